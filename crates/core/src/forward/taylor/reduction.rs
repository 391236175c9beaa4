//! Reductions of series, and the chain rule of numbers that carry derivatives over series.

use super::Taylor;
use super::operation::{always_careful, is_settled, nan_orders, norm as norm_orders};
use crate::rules::series::{self, Orders, still};
use crate::rules::{Partial, reductions};
use crate::{Differentiable, Lanes};
use generic_array::sequence::GenericSequence;

type Pair<T, N> = (Taylor<T, N>, Taylor<T, N>);

/// The coefficients by fast recurrences, or by careful ones if these are not finite; if the value is NaN, the
/// coefficients of a NaN value.
fn settled<T: Differentiable, N: Lanes<T>>(
    z: T,
    fast: impl FnOnce() -> Orders<T, N>,
    careful: impl FnOnce() -> Orders<T, N>,
    operands: impl Iterator<Item = Taylor<T, N>>,
) -> Taylor<T, N> {
    if !T::RECORDS && z.is_nan() {
        let operands: Vec<Taylor<T, N>> = operands.collect();
        let orders: Vec<_> = operands.iter().map(|x| &x.orders).collect();
        return Taylor::new(z, nan_orders(&z, &orders));
    }
    if !always_careful::<T>() {
        let orders = fast();
        if is_settled(&z, &orders) {
            return Taylor::new(z, orders);
        }
    }
    Taylor::new(z, careful())
}

pub(super) fn sum<T: Differentiable, N: Lanes<T>>(
    terms: &(impl Iterator<Item = Taylor<T, N>> + Clone),
) -> Taylor<T, N> {
    let z = T::sum_terms(terms.clone().map(|x| x.primal));
    let orders = || {
        Orders::<T, N>::generate(|i| match terms.clone().map(|x| x.orders[i]) {
            // One statement for each coefficient, over the terms that are not constant.
            orders if T::KNOWS_ZEROS => {
                T::sum_of(&orders.filter(|c| !c.is_identically_zero()).collect::<Vec<_>>())
            }
            orders => orders.fold(T::zero(), |sum, c| sum + c),
        })
    };
    settled(z, orders, orders, terms.clone())
}

pub(super) fn dot<T: Differentiable, N: Lanes<T>>(
    pairs: &(impl Iterator<Item = Pair<T, N>> + Clone),
    bias: Option<Taylor<T, N>>,
) -> Taylor<T, N> {
    let primals = pairs.clone().map(|(a, b)| (a.primal, b.primal));
    let z = T::dot_pairs(primals, bias.map(|bias| bias.primal));
    let operands = pairs.clone().flat_map(|(a, b)| [a, b]).chain(bias);
    settled(
        z,
        || dot_orders::<T, N, false>(pairs.clone(), bias),
        || dot_orders::<T, N, true>(pairs.clone(), bias),
        operands,
    )
}

fn dot_orders<T: Differentiable, N: Lanes<T>, const CAREFUL: bool>(
    pairs: impl Iterator<Item = Pair<T, N>>,
    bias: Option<Taylor<T, N>>,
) -> Orders<T, N> {
    let mut orders = bias.map_or_else(still, |bias| bias.orders);
    for (a, b) in pairs {
        series::add_scaled::<T, N, CAREFUL>(&mut orders, a.primal, &b.orders);
        series::add_scaled::<T, N, CAREFUL>(&mut orders, b.primal, &a.orders);
        series::add_products::<T, N, CAREFUL>(&mut orders, &a.orders, &b.orders);
    }
    orders
}

pub(super) fn norm<T: Differentiable, N: Lanes<T>>(
    terms: &(impl Iterator<Item = Taylor<T, N>> + Clone),
) -> Taylor<T, N> {
    let z = T::norm_terms(terms.clone().map(|x| x.primal));
    let derivatived = || {
        // Collected first, because computing a derivative records it.
        let derivatives: Vec<_> = terms.clone().map(|x| reductions::norm_derivative(x.primal, z)).collect();
        terms.clone().zip(derivatives)
    };
    settled(
        z,
        || norm_orders::<T, N, false>(z, derivatived()),
        || norm_orders::<T, N, true>(z, derivatived()),
        terms.clone(),
    )
}

pub(super) fn log_sum_exp<T: Differentiable, N: Lanes<T>>(
    terms: impl Iterator<Item = Taylor<T, N>> + Clone,
) -> Taylor<T, N> {
    let primals = terms.clone().map(|x| x.primal);
    let (z, weights) = reductions::log_sum_exp_with_derivatives(primals);
    let weights: Vec<T> = weights.into_iter().map(Partial::number).collect();
    let orders: Vec<_> = terms.clone().map(|x| x.orders).collect();
    settled(
        z,
        || series::log_sum_exp::<T, N, false>(&weights, &orders),
        || series::log_sum_exp::<T, N, true>(&weights, &orders),
        terms,
    )
}

/// Σ partial · tangent; exact zeros win over ∞, and a NaN value wins over all tangents that are not zero.
pub(super) fn chain_rule<T: Differentiable, N: Lanes<T>>(
    value: Taylor<T, N>,
    pairs: &[Pair<T, N>],
) -> Taylor<T, N> {
    let moving = || pairs.iter().filter(|(_, tangent)| !tangent.is_identically_zero());
    let inner: Vec<_> = moving().map(|(partial, tangent)| (partial.primal, tangent.primal)).collect();
    let z = T::chain_rule(value.primal, &inner);
    if !T::RECORDS && value.primal.is_nan() {
        let operands: Vec<_> =
            moving().flat_map(|(partial, tangent)| [&partial.orders, &tangent.orders]).collect();
        let orders = if inner.is_empty() {
            still()
        } else {
            nan_orders(&z, &[&operands[..], &[&value.orders]].concat())
        };
        return Taylor::new(z, orders);
    }
    let mut orders = dot_orders::<T, N, true>(moving().copied(), None);
    if T::RECORDS && !value.is_identically_zero() {
        // Zero unless the value is NaN.
        let mut spoilt: Vec<_> = inner.iter().map(|&(_, tangent)| (T::zero(), tangent)).collect();
        for i in 0..N::USIZE {
            let edges = moving().map(|(_, tangent)| (T::zero(), tangent.orders[i]));
            spoilt.extend(
                edges.chain([(T::zero(), value.orders[i])]).filter(|(_, c)| !c.is_identically_zero()),
            );
            orders[i] = series::sum(orders[i], T::chain_rule(value.primal, &spoilt));
        }
    }
    Taylor::new(z, orders)
}

/// The integral of Σ p·x′ for derivatives known as series; the sum has one product for each pair.
pub(super) fn integral<T: Differentiable, N: Lanes<T>>(
    pairs: impl Iterator<Item = (Partial<Taylor<T, N>>, Taylor<T, N>)>,
) -> Orders<T, N> {
    let mut sum = series::Sum::new();
    for (derivative, x) in pairs {
        let p = derivative.number();
        sum.add::<true>(p.primal, &p.orders, &x.orders);
    }
    sum.integrated()
}
