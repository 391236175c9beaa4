//! From a struct to its implementation.

use crate::attributes;
use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{
    Data, DeriveInput, Error, Field, Fields, GenericParam, Generics, Ident, Member, Result, parse_quote,
};

/// The implementation of `Parameters` for a struct.
pub(crate) fn parameters(input: &DeriveInput) -> Result<TokenStream> {
    let fields = fields(input)?;
    let number = number(input)?;
    let parts = fields.members().zip(fields).map(|(member, field)| Part::new(member, field, &number));
    let parts = attributes::all(parts)?;
    let (name, other) = (&input.ident, format_ident!("__U"));
    let generics = bounded(&input.generics, &number);
    let (impl_generics, own, conditions) = generics.split_for_impl();
    let with = with(&input.generics, &number, &other);
    let moving = || parts.iter().filter(|part| !part.skipped);
    let (describe, visit) = (moving().map(Part::describe), moving().map(Part::visit));
    let map = parts.iter().map(Part::map);
    Ok(quote! {
        #[automatically_derived]
        impl #impl_generics ::dualtape::parameters::Parameters for #name #own #conditions {
            type Number = #number;
            type With<#other: ::dualtape::Differentiable> = #name #with;

            fn describe(&self, tensors: &mut ::dualtape::parameters::Tensors<'_>) {
                #(#describe)*
            }

            fn each_number(&self, visit: &mut impl ::core::ops::FnMut(#number)) {
                #(#visit)*
            }

            fn map_numbers<#other: ::dualtape::Differentiable>(
                &self,
                f: &mut impl ::core::ops::FnMut(#number) -> #other,
            ) -> #name #with {
                #name { #(#map)* }
            }
        }
    })
}

/// The fields of a struct.
fn fields(input: &DeriveInput) -> Result<&Fields> {
    let (kind, what) = match &input.data {
        Data::Struct(data) => return Ok(&data.fields),
        Data::Enum(data) => (data.enum_token.span(), "an enum"),
        Data::Union(data) => (data.union_token.span(), "a union"),
    };
    let message =
        format!("`Parameters` can be derived for a struct, not for {what}; implement the trait by hand");
    Err(Error::new(kind, message))
}

/// The type parameter that stands for the numbers.
fn number(input: &DeriveInput) -> Result<Ident> {
    let parameters: Vec<&Ident> = input.generics.type_params().map(|parameter| &parameter.ident).collect();
    let name = &input.ident;
    if let Some(number) = attributes::number(&input.attrs)? {
        if parameters.contains(&&number) {
            return Ok(number);
        }
        return Err(Error::new(number.span(), format!("`{name}` has no type parameter `{number}`")));
    }
    match parameters[..] {
        [number] => Ok(number.clone()),
        [] => Err(Error::new(
            name.span(),
            format!(
                "`{name}` has no type parameter for its numbers; make it generic, `struct {name}<T>`, with `T` \
                 in place of `f64`"
            ),
        )),
        _ => Err(Error::new_spanned(
            &input.generics,
            format!(
                "`{name}` has several type parameters; say which is that of its numbers, for example by \
                 `#[parameters(number = {})]`",
                parameters[0]
            ),
        )),
    }
}

/// The generics of the implementation: those of the struct, and a number through which derivatives can be taken.
fn bounded(generics: &Generics, number: &Ident) -> Generics {
    let mut generics = generics.clone();
    let ours = generics.type_params_mut().filter(|parameter| parameter.ident == *number);
    ours.for_each(|parameter| parameter.bounds.push(parse_quote!(::dualtape::Differentiable)));
    generics
}

/// The arguments of the struct with another type of number.
fn with(generics: &Generics, number: &Ident, other: &Ident) -> TokenStream {
    let arguments = generics.params.iter().map(|parameter| match parameter {
        GenericParam::Lifetime(parameter) => parameter.lifetime.to_token_stream(),
        GenericParam::Type(parameter) if parameter.ident == *number => other.to_token_stream(),
        GenericParam::Type(parameter) => parameter.ident.to_token_stream(),
        GenericParam::Const(parameter) => parameter.ident.to_token_stream(),
    });
    quote!(<#(#arguments),*>)
}

/// A field: where it is, and whether it is kept constant.
struct Part<'a> {
    member: Member,
    field: &'a Field,
    skipped: bool,
}

impl<'a> Part<'a> {
    fn new(member: Member, field: &'a Field, number: &Ident) -> Result<Self> {
        let skipped = attributes::skips(&field.attrs)?;
        let message = match (skipped, mentions(field.ty.to_token_stream(), number)) {
            (true, true) => format!("a skipped field keeps its type, so it cannot contain `{number}`"),
            (false, false) => format!(
                "this field has no numbers of type `{number}`; give it numbers of that type, or keep it constant by \
                 `#[parameters(skip)]`"
            ),
            _ => return Ok(Self { member, field, skipped }),
        };
        Err(Error::new_spanned(&field.ty, message))
    }

    /// Names the tensors of the field.
    fn describe(&self) -> TokenStream {
        let member = &self.member;
        let name = match member {
            Member::Named(name) => name.unraw().to_string(),
            Member::Unnamed(index) => index.index.to_string(),
        };
        let describe = self.method("describe");
        quote!(tensors.within(#name, |tensors| #describe(&self.#member, tensors));)
    }

    /// Visits the numbers of the field.
    fn visit(&self) -> TokenStream {
        let (member, each_number) = (&self.member, self.method("each_number"));
        quote!(#each_number(&self.#member, visit);)
    }

    /// The field of the new structure.
    fn map(&self) -> TokenStream {
        let (member, map_numbers) = (&self.member, self.method("map_numbers"));
        if self.skipped {
            quote!(#member: ::core::clone::Clone::clone(&self.#member),)
        } else {
            quote!(#member: #map_numbers(&self.#member, f),)
        }
    }

    /// A method of the trait. What is wrong with the type of a field is reported at that type.
    fn method(&self, name: &str) -> TokenStream {
        let (span, ty) = (self.field.ty.span(), &self.field.ty);
        let name = Ident::new(name, span);
        quote_spanned!(span=> <#ty as ::dualtape::parameters::Parameters>::#name)
    }
}

/// Whether an identifier is among the tokens.
fn mentions(tokens: TokenStream, ident: &Ident) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(other) => other == *ident,
        TokenTree::Group(group) => mentions(group.stream(), ident),
        _ => false,
    })
}
