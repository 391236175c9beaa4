//! `dualtape completions` and `dualtape man`: shell completions and manual pages, from the definition of the command line.

use crate::arguments;
use crate::failure::Failure;
use crate::output::{check_free, print, say};
use clap::Args;
use clap_complete::Shell;
use dualtape_nn::files;
use std::path::PathBuf;

/// Print a completion script for a shell.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    dualtape completions bash > ~/.local/share/bash-completion/completions/dualtape\n  \
    dualtape completions zsh > ~/.zfunc/_dualtape\n  \
    dualtape completions fish > ~/.config/fish/completions/dualtape.fish")]
pub(crate) struct CompletionsOptions {
    /// The shell
    shell: Shell,
}

pub(crate) fn completions(options: &CompletionsOptions) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut arguments::command(), "dualtape", &mut script);
    print(&String::from_utf8_lossy(&script))
}

/// Write manual pages, one for each command.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  dualtape man ~/.local/share/man/man1")]
pub(crate) struct ManOptions {
    /// The folder for the pages; it is created if it does not exist
    folder: PathBuf,

    /// Replace pages that exist already
    #[arg(long)]
    overwrite: bool,
}

pub(crate) fn man(options: &ManOptions) -> Result<(), Failure> {
    let folder = &options.folder;
    std::fs::create_dir_all(folder).map_err(|error| Failure::write(folder, error))?;
    let mut command = arguments::command();
    command.build();
    let commands: Vec<clap::Command> = command.get_subcommands().cloned().collect();
    let mut pages = Vec::new();
    for (name, command) in commands
        .into_iter()
        .map(|sub| (format!("dualtape-{}", sub.get_name()), sub))
        .chain([("dualtape".to_owned(), command)])
    {
        let path = folder.join(format!("{name}.1"));
        check_free(&path, options.overwrite)?;
        let mut page = Vec::new();
        let man = clap_mangen::Man::new(command);
        man.render(&mut page).map_err(|error| Failure::write(&path, error))?;
        pages.push((path, page));
    }
    for (path, page) in &pages {
        files::replace(path, page)?;
    }
    say(format_args!("wrote {} pages to {}", pages.len(), folder.display()));
    Ok(())
}
