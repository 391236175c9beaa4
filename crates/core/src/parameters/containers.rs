//! Numbers, arrays, vectors, options and tuples as structures.

use super::{Parameters, Tensors};
use crate::Differentiable;

// What is neither a number nor a structure should be told how to become a structure.
#[diagnostic::do_not_recommend]
impl<D: Differentiable> Parameters for D {
    type Number = D;
    type With<U: Differentiable> = U;

    fn describe(&self, tensors: &mut Tensors<'_>) {
        tensors.tensor(&[]);
    }

    fn each_number(&self, visit: &mut impl FnMut(D)) {
        visit(*self);
    }

    fn map_numbers<U: Differentiable>(&self, f: &mut impl FnMut(D) -> U) -> U {
        f(*self)
    }

    fn fixed_shape() -> Option<Vec<usize>> {
        Some(Vec::new())
    }
}

/// The shape of an array of tensors.
fn stacked(count: usize, element: &[usize]) -> Vec<usize> {
    [&[count], element].concat()
}

/// The tensor of an array of tensors of one shape, or those of each element.
fn describe_elements<P: Parameters>(elements: &[P], tensors: &mut Tensors<'_>) {
    match P::fixed_shape() {
        Some(shape) => tensors.tensor(&stacked(elements.len(), &shape)),
        None => {
            for (number, element) in elements.iter().enumerate() {
                tensors.within(number, |tensors| element.describe(tensors));
            }
        }
    }
}

impl<P: Parameters, const N: usize> Parameters for [P; N] {
    type Number = P::Number;
    type With<U: Differentiable> = [P::With<U>; N];

    fn describe(&self, tensors: &mut Tensors<'_>) {
        describe_elements(self, tensors);
    }

    fn each_number(&self, visit: &mut impl FnMut(P::Number)) {
        self.iter().for_each(|element| element.each_number(visit));
    }

    fn map_numbers<U: Differentiable>(&self, f: &mut impl FnMut(P::Number) -> U) -> [P::With<U>; N] {
        self.each_ref().map(|element| element.map_numbers(f))
    }

    fn fixed_shape() -> Option<Vec<usize>> {
        P::fixed_shape().map(|shape| stacked(N, &shape))
    }
}

impl<P: Parameters> Parameters for Vec<P> {
    type Number = P::Number;
    type With<U: Differentiable> = Vec<P::With<U>>;

    fn describe(&self, tensors: &mut Tensors<'_>) {
        describe_elements(self, tensors);
    }

    fn each_number(&self, visit: &mut impl FnMut(P::Number)) {
        self.iter().for_each(|element| element.each_number(visit));
    }

    fn map_numbers<U: Differentiable>(&self, f: &mut impl FnMut(P::Number) -> U) -> Vec<P::With<U>> {
        self.iter().map(|element| element.map_numbers(f)).collect()
    }
}

/// What may be absent: a bias, for example.
impl<P: Parameters> Parameters for Option<P> {
    type Number = P::Number;
    type With<U: Differentiable> = Option<P::With<U>>;

    fn describe(&self, tensors: &mut Tensors<'_>) {
        self.iter().for_each(|structure| structure.describe(tensors));
    }

    fn each_number(&self, visit: &mut impl FnMut(P::Number)) {
        self.iter().for_each(|structure| structure.each_number(visit));
    }

    fn map_numbers<U: Differentiable>(&self, f: &mut impl FnMut(P::Number) -> U) -> Option<P::With<U>> {
        self.as_ref().map(|structure| structure.map_numbers(f))
    }
}

macro_rules! impl_tuples {
    ($([$First:ident $($P:ident)*] [$($index:tt)+])+) => { $(
        impl<$First: Parameters, $($P: Parameters<Number = $First::Number>),*> Parameters for ($First, $($P,)*) {
            type Number = $First::Number;
            type With<U: Differentiable> = ($First::With<U>, $($P::With<U>,)*);

            fn describe(&self, tensors: &mut Tensors<'_>) {
                $( tensors.within($index, |tensors| self.$index.describe(tensors)); )+
            }

            fn each_number(&self, visit: &mut impl FnMut($First::Number)) {
                $( self.$index.each_number(visit); )+
            }

            fn map_numbers<U: Differentiable>(&self, f: &mut impl FnMut($First::Number) -> U) -> Self::With<U> {
                ($( self.$index.map_numbers(f), )+)
            }
        }
    )+ };
}

impl_tuples! {
    [A] [0]
    [A B] [0 1]
    [A B C] [0 1 2]
    [A B C D] [0 1 2 3]
    [A B C D E] [0 1 2 3 4]
    [A B C D E G] [0 1 2 3 4 5]
    [A B C D E G H] [0 1 2 3 4 5 6]
    [A B C D E G H I] [0 1 2 3 4 5 6 7]
}
