//! Custom rules on series: z′ = J(x, z)·x′, integrated order by order.
//!
//! The derivative of a rule may call rules, even the rule itself: the derivative of a sine calls the cosine. A
//! derivative is needed to one order less than the outputs, so each nested call needs one order less, and at order 0
//! only the value is needed. The numbers do not show how many orders are needed, so this module keeps a list of the
//! calls in progress ([`wanted`]).

use super::Taylor;
use super::reduction::integral;
use crate::forward::Tag;
use crate::rules::series::{self, Orders};
use crate::rules::{Partial, pulled_back, pushed_forward};
use crate::{CustomRule, Differentiable, Error, Lanes};
use generic_array::sequence::GenericSequence;
use num_traits::{Float, One, Zero};
use std::any::type_name;
use std::cell::RefCell;

thread_local! {
    /// The calls in progress: the type of their numbers, which identifies the level of nesting, and the orders that
    /// nested calls need. `None` marks the computation of a value, which has no derivative to compute.
    static UNDER_WAY: RefCell<Vec<Option<Wanted>>> = const { RefCell::new(Vec::new()) };
}

/// The name of a number type, and how many orders of it are needed.
type Wanted = (&'static str, usize);

/// An entry for a call in progress, removed when it is dropped.
struct Note;

impl Note {
    fn new(note: Option<Wanted>) -> Self {
        UNDER_WAY.with_borrow_mut(|notes| notes.push(note));
        Self
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        UNDER_WAY.with_borrow_mut(Vec::pop);
    }
}

/// How many orders a call with numbers of the given type needs.
fn wanted<D>(all: usize) -> usize {
    UNDER_WAY.with_borrow(|notes| {
        let since_value = notes.iter().rev().map_while(|note| *note);
        since_value
            .filter(|(name, _)| *name == type_name::<D>())
            .map(|(_, orders)| orders)
            .next()
            .unwrap_or(all)
    })
}

/// The outputs of a rule. If its derivative does not use them, one evaluation gives all coefficients; otherwise each
/// evaluation gives one more.
pub(super) fn call<T, N, R>(rule: &R, x: &[Taylor<T, N>]) -> Result<Vec<Taylor<T, N>>, Error>
where
    T: Differentiable,
    N: Lanes<T>,
    R: CustomRule<Scalar = T::Scalar>,
{
    if !T::RETAINS
        && let Some(outputs) = rule.in_any_numbers(x)
    {
        return outputs;
    }
    let primals: Vec<T> = x.iter().map(|x| x.primal).collect();
    let values = {
        let _value = Note::new(None);
        T::call(rule, &primals)?
    };
    let tag = Tag::meet_all(x.iter().map(|x| x.tag));
    let mut z: Vec<Taylor<T, N>> = values.into_iter().map(|z| Taylor::lift(z).tagged(tag)).collect();
    let orders = wanted::<Taylor<T, N>>(N::USIZE);
    if x.iter().all(Taylor::is_still) {
        return Ok(z);
    }
    if !T::RECORDS && orders > 1 {
        // Called with outputs that are NaN, to detect whether the derivative uses them.
        let unknown = |z: &Taylor<T, N>| z.map(z.primal, |_| T::nan());
        let all = integrated(rule, x, &z.iter().map(unknown).collect::<Vec<_>>(), orders)?;
        if all.iter().flat_map(|z| &z[..orders]).all(|c| c.value().is_finite()) {
            z.iter_mut().zip(all).for_each(|(z, all)| z.orders = all);
            return Ok(z);
        }
    }
    for order in 1..=orders {
        let next = integrated(rule, x, &z, order)?;
        z.iter_mut().zip(next).for_each(|(z, next)| z.orders[order - 1] = next[order - 1]);
    }
    Ok(z)
}

/// The coefficients of the outputs up to an order, from outputs that are correct to one order less.
fn integrated<T, N, R>(
    rule: &R,
    x: &[Taylor<T, N>],
    z: &[Taylor<T, N>],
    orders: usize,
) -> Result<Vec<Orders<T, N>>, Error>
where
    T: Differentiable,
    N: Lanes<T>,
    R: CustomRule<Scalar = T::Scalar>,
{
    let _inside = Note::new(Some((type_name::<Taylor<T, N>>(), orders - 1)));
    let derivatives: Vec<_> = x.iter().map(derivative).collect();
    if let Some(product) = pushed_forward(rule, x, z, &derivatives) {
        let order = |dz: &Taylor<T, N>, k: usize| if k == 0 { dz.primal } else { dz.orders[k - 1] };
        let integral = |dz| Orders::<T, N>::generate(|i| series::scaled(order(&dz, i), 1.0 / (i + 1) as f64));
        return Ok(product?.into_iter().map(integral).collect());
    }
    let row = |output: usize| {
        let unit = |index| if index == output { Taylor::one() } else { Taylor::zero() };
        let cotangent: Vec<_> = (0..z.len()).map(unit).collect();
        let row = pulled_back(rule, x, z, &cotangent)?;
        Ok(integral(row.into_iter().map(Partial::Of).zip(x.iter().copied())))
    };
    (0..z.len()).map(row).collect()
}

/// The derivative of a series; its last coefficient is not known, and is ignored.
fn derivative<T: Differentiable, N: Lanes<T>>(x: &Taylor<T, N>) -> Taylor<T, N> {
    let order = |i: usize| x.orders.get(i).map_or(T::zero(), |&c| series::scaled(c, (i + 1) as f64));
    Taylor::new(order(0), Orders::<T, N>::generate(|i| order(i + 1)))
}
