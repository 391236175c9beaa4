//! The embedded font, under plotters' name for the default one.

use crate::Error;
use plotters::style::{FontStyle, register_font};
use std::sync::OnceLock;

pub(crate) const FAMILY: &str = "sans-serif";

/// Makes the font known to plotters, once.
pub(crate) fn register() -> Result<(), Error> {
    static REGISTERED: OnceLock<bool> = OnceLock::new();
    let register = || {
        let faces = [(FontStyle::Normal, dejavu::sans::regular()), (FontStyle::Bold, dejavu::sans::bold())];
        faces.into_iter().all(|(style, bytes)| register_font(FAMILY, style, bytes).is_ok())
    };
    if *REGISTERED.get_or_init(register) { Ok(()) } else { Err(Error::Font) }
}
