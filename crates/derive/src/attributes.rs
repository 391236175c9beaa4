//! `#[parameters(…)]` on structs and fields.

use syn::{Attribute, Error, Ident, Result};

/// Whether a field is kept constant.
pub(crate) fn skips(attributes: &[Attribute]) -> Result<bool> {
    let mut skips = false;
    each(attributes, |meta| {
        if !meta.path.is_ident("skip") {
            return Err(meta.error("expected `skip`, which keeps the field constant"));
        }
        skips = true;
        Ok(())
    })?;
    Ok(skips)
}

/// The type parameter that a struct names as that of its numbers.
pub(crate) fn number(attributes: &[Attribute]) -> Result<Option<Ident>> {
    let mut number = None;
    each(attributes, |meta| {
        if !meta.path.is_ident("number") {
            return Err(meta.error(
                "expected `number = T`, with the type parameter of the numbers; `skip` belongs to a field",
            ));
        }
        number = Some(meta.value()?.parse()?);
        Ok(())
    })?;
    Ok(number)
}

fn each(
    attributes: &[Attribute],
    mut visit: impl FnMut(syn::meta::ParseNestedMeta<'_>) -> Result<()>,
) -> Result<()> {
    let ours = attributes.iter().filter(|attribute| attribute.path().is_ident("parameters"));
    ours.map(|attribute| attribute.parse_nested_meta(&mut visit)).try_fold((), |(), parsed| parsed)
}

/// Joins the errors of several parts of one struct, so that all of them are shown.
pub(crate) fn all<T>(parts: impl Iterator<Item = Result<T>>) -> Result<Vec<T>> {
    let (mut done, mut failed) = (Vec::new(), None::<Error>);
    for part in parts {
        match (part, &mut failed) {
            (Ok(part), _) => done.push(part),
            (Err(error), None) => failed = Some(error),
            (Err(error), Some(first)) => first.combine(error),
        }
    }
    failed.map_or(Ok(done), Err)
}
