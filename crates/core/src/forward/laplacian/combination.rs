//! Sums by the second-order chain rule: of operations with many operands, and of custom rules.

use super::ForwardLaplacian;
use crate::forward::Tag;
use crate::forward::lanes::{Tangent, accumulate, spoilt, zeros};
use crate::predicate::Relation;
use crate::rules::series::difference;
use crate::rules::{Partial, combine, reductions};
use crate::{CustomRule, Differentiable, Dual, Error, Lanes};
use generic_array::GenericArray;
use generic_array::sequence::GenericSequence;
use num_traits::Float;

type Pair<T, N> = (ForwardLaplacian<T, N>, ForwardLaplacian<T, N>);

/// ∇a·∇b. Terms that are known to be zero have no effect.
#[inline(always)]
pub(super) fn inner<T: Differentiable, N: Lanes<T>>(a: &Tangent<T, N>, b: &Tangent<T, N>) -> T {
    if T::KNOWS_ZEROS {
        let known = |(a, b): &(&T, &T)| !(a.is_identically_zero() || b.is_identically_zero());
        let moving: Vec<(T, T)> = a.iter().zip(b).filter(known).map(|(&a, &b)| (a, b)).collect();
        return if moving.is_empty() { T::zero() } else { T::dot_pairs(moving.into_iter(), None) };
    }
    // Four sums side by side, so that the lanes need not wait for each other.
    let mut sums = [T::zero(); 4];
    for (a, b) in a.chunks(4).zip(b.chunks(4)) {
        for ((sum, &a), &b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    let sum = (sums[0] + sums[2]) + (sums[1] + sums[3]);
    if sum.value().is_finite() { sum } else { inner_with_care(a, b) }
}

/// ∇a·∇b where a number is not finite: an exact zero wins over ∞.
#[cold]
#[inline(never)]
fn inner_with_care<T: Differentiable, N: Lanes<T>>(a: &Tangent<T, N>, b: &Tangent<T, N>) -> T {
    let moves = |(a, b): &(&T, &T)| !(a.is_identically_zero() || b.is_identically_zero());
    a.iter().zip(b).filter(moves).fold(T::zero(), |sum, (&a, &b)| sum + a * b)
}

/// |∇a|², if it is needed.
#[inline(always)]
pub(super) fn square<T: Differentiable, N: Lanes<T>>(wanted: Partial<T>, a: &Tangent<T, N>) -> T {
    match wanted {
        Partial::Zero => T::zero(),
        _ => inner(a, a),
    }
}

/// 2 ∇a·∇b, if the partial derivative is not zero.
#[inline(always)]
pub(super) fn twice<T: Differentiable, N: Lanes<T>>(
    wanted: Partial<T>,
    a: &Tangent<T, N>,
    b: &Tangent<T, N>,
) -> T {
    match wanted {
        Partial::Zero => T::zero(),
        _ => match inner(a, b) {
            zero if T::KNOWS_ZEROS && zero.is_identically_zero() => zero,
            inner => inner + inner,
        },
    }
}

pub(super) fn is_still<T: Differentiable, N: Lanes<T>>(x: &ForwardLaplacian<T, N>) -> bool {
    x.laplacian.is_identically_zero() && x.tangent.iter().all(Differentiable::is_identically_zero)
}

/// Σ partial · number; exact zeros win over ∞, and a NaN value wins over everything.
#[inline(always)]
pub(super) fn bent<T: Differentiable, const M: usize>(z: T, terms: [(Partial<T>, T); M]) -> T {
    if T::RECORDS {
        return combine(z, terms.into_iter());
    }
    if z.is_nan() {
        return bent_nan(z, &terms);
    }
    let mut sum = T::zero();
    for (partial, x) in terms {
        sum = added(sum, partial.times(x));
    }
    sum
}

#[inline(always)]
fn added<T: Differentiable>(sum: T, x: T) -> T {
    match T::KNOWS_ZEROS {
        true if x.is_identically_zero() => sum,
        true if sum.is_identically_zero() => x,
        _ => sum + x,
    }
}

#[cold]
#[inline(never)]
fn bent_nan<T: Differentiable>(z: T, terms: &[(Partial<T>, T)]) -> T {
    let moving = terms.iter().filter(|(_, x)| !x.is_identically_zero());
    let moving: Vec<_> = moving.map(|(partial, x)| (partial.number(), *x)).collect();
    if moving.is_empty() { T::zero() } else { T::chain_rule(z, &moving) }
}

/// A sum over operands that is built term by term.
pub(super) struct Combination<T, N: Lanes<T>> {
    z: T,
    tangent: Tangent<T, N>,
    laplacian: T,
    tag: Tag,
    /// All terms of first and second order, kept if the sum needs care: in recordings, and for a NaN.
    edges: Vec<(Partial<T>, Tangent<T, N>)>,
    bends: Vec<(Partial<T>, T)>,
}

impl<T: Differentiable, N: Lanes<T>> Combination<T, N> {
    pub(super) fn new(z: T) -> Self {
        let (tangent, laplacian, tag) = (zeros(), T::zero(), Tag::NONE);
        Self { z, tangent, laplacian, tag, edges: Vec::new(), bends: Vec::new() }
    }

    #[inline(always)]
    fn is_careful(&self) -> bool {
        T::RECORDS || self.z.is_nan()
    }

    /// Adds an operand with its derivative.
    #[inline]
    pub(super) fn add(&mut self, p: Partial<T>, x: &ForwardLaplacian<T, N>) {
        self.tag = self.tag.meet(x.tag);
        if self.is_careful() {
            self.edges.push((p, x.tangent));
        } else {
            accumulate(&self.z, &mut self.tangent, p, &x.tangent);
        }
        self.bend(p, x.laplacian);
    }

    /// Adds the product of two operands.
    #[inline]
    pub(super) fn add_product(&mut self, a: &ForwardLaplacian<T, N>, b: &ForwardLaplacian<T, N>) {
        self.add(Partial::Of(b.primal), a);
        self.add(Partial::Of(a.primal), b);
        self.bend(Partial::One, twice(Partial::One, &a.tangent, &b.tangent));
    }

    /// Adds a contribution to the Laplacian alone.
    #[inline]
    pub(super) fn bend(&mut self, p: Partial<T>, x: T) {
        if self.is_careful() {
            self.bends.push((p, x));
        } else {
            self.laplacian = added(self.laplacian, p.times(x));
        }
    }

    pub(super) fn finish(self) -> ForwardLaplacian<T, N> {
        let Self { z, tangent, laplacian, tag, edges, bends } = self;
        if T::RECORDS {
            let lane = |lane: usize| combine(z, edges.iter().map(|(p, tangent)| (*p, tangent[lane])));
            let tangent = Tangent::<T, N>::generate(lane);
            return ForwardLaplacian { primal: z, tangent, laplacian: combine(z, bends.into_iter()), tag };
        }
        if z.is_nan() {
            return ForwardLaplacian {
                primal: z,
                tangent: spoilt(&z, &edges),
                laplacian: bent_nan(z, &bends),
                tag,
            };
        }
        ForwardLaplacian { primal: z, tangent, laplacian, tag }
    }
}

/// Σ ab + bias: in plain loops over the lanes, and with care if the result is not finite.
pub(super) fn dot<T: Differentiable, N: Lanes<T>>(
    pairs: &(impl Iterator<Item = Pair<T, N>> + Clone),
    bias: Option<ForwardLaplacian<T, N>>,
) -> ForwardLaplacian<T, N> {
    let primals = pairs.clone().map(|(a, b)| (a.primal, b.primal));
    let z = T::dot_pairs(primals, bias.map(|bias| bias.primal));
    if !(T::RECORDS || T::KNOWS_ZEROS) {
        let sum = plain_dot(z, pairs.clone(), bias);
        let is_finite = |c: &T| c.value().is_finite();
        if is_finite(&z) && is_finite(&sum.laplacian) && sum.tangent.iter().all(is_finite) {
            return sum;
        }
    }
    let mut sum = Combination::new(z);
    pairs.clone().for_each(|(a, b)| sum.add_product(&a, &b));
    if let Some(bias) = bias {
        sum.add(Partial::One, &bias);
    }
    sum.finish()
}

fn plain_dot<T: Differentiable, N: Lanes<T>>(
    z: T,
    pairs: impl Iterator<Item = Pair<T, N>>,
    bias: Option<ForwardLaplacian<T, N>>,
) -> ForwardLaplacian<T, N> {
    let mut sum = bias.unwrap_or_else(|| ForwardLaplacian::lift(z));
    let mut crossed: Tangent<T, N> = zeros();
    for (a, b) in pairs {
        sum.tag = sum.tag.meet(a.tag).meet(b.tag);
        sum.laplacian += a.primal * b.laplacian + b.primal * a.laplacian;
        for lane in 0..N::USIZE {
            sum.tangent[lane] += a.primal * b.tangent[lane] + b.primal * a.tangent[lane];
            crossed[lane] += a.tangent[lane] * b.tangent[lane];
        }
    }
    let crossed = crossed.iter().fold(T::zero(), |sum, &c| sum + c);
    ForwardLaplacian { primal: z, laplacian: sum.laplacian + (crossed + crossed), ..sum }
}

/// √Σ x²: with the unit vector u, its Laplacian is Σ uᵢ Δxᵢ + Σ |∇xᵢ − uᵢ ∇z|² / z.
pub(super) fn norm<T: Differentiable, N: Lanes<T>>(x: &[ForwardLaplacian<T, N>]) -> ForwardLaplacian<T, N> {
    let z = T::norm_terms(x.iter().map(|x| x.primal));
    let derivatives: Vec<_> = x.iter().map(|x| reductions::norm_derivative(x.primal, z)).collect();
    let curvature =
        Partial::select(Relation::Equal, z, T::zero(), || Partial::Zero, || Partial::Of(z.recip()));
    curved(z, x, &derivatives, |derivative, gradient| (derivative.scale(gradient), curvature))
}

/// ln Σ exp xᵢ: with its weights w, its Laplacian is Σ wᵢ Δxᵢ + Σ wᵢ |∇xᵢ − ∇z|².
pub(super) fn log_sum_exp<T: Differentiable, N: Lanes<T>>(
    x: &[ForwardLaplacian<T, N>],
) -> ForwardLaplacian<T, N> {
    let (z, weights) = reductions::log_sum_exp_with_derivatives(x.iter().map(|x| x.primal));
    curved(z, x, &weights, |weight, gradient| (gradient, weight))
}

/// A function of many operands, with the weighted difference between each operand's gradient and that of the result.
fn curved<T: Differentiable, N: Lanes<T>>(
    z: T,
    x: &[ForwardLaplacian<T, N>],
    derivatives: &[Partial<T>],
    share: impl Fn(Partial<T>, T) -> (T, Partial<T>),
) -> ForwardLaplacian<T, N> {
    let mut sum = Combination::new(z);
    x.iter().zip(derivatives).for_each(|(x, &derivative)| sum.add(derivative, x));
    let gradient = sum.gradient();
    for (x, &derivative) in x.iter().zip(derivatives) {
        let mut weight = Partial::Zero;
        let apart = Tangent::<T, N>::generate(|lane| {
            let (expected, w) = share(derivative, gradient[lane]);
            weight = w;
            difference(x.tangent[lane], expected)
        });
        sum.bend(weight, inner(&apart, &apart));
    }
    sum.finish()
}

impl<T: Differentiable, N: Lanes<T>> Combination<T, N> {
    /// The gradient so far.
    fn gradient(&self) -> Tangent<T, N> {
        if !T::RECORDS {
            return self.tangent;
        }
        Tangent::<T, N>::generate(|lane| {
            combine(self.z, self.edges.iter().map(|(p, tangent)| (*p, tangent[lane])))
        })
    }
}

/// Σ partial · tangent, which can itself be differentiated.
pub(super) fn chain_rule<T: Differentiable, N: Lanes<T>>(
    value: ForwardLaplacian<T, N>,
    pairs: &[Pair<T, N>],
) -> ForwardLaplacian<T, N> {
    let moving: Vec<_> = pairs.iter().filter(|(_, tangent)| !tangent.is_identically_zero()).collect();
    let inner: Vec<_> = moving.iter().map(|(partial, tangent)| (partial.primal, tangent.primal)).collect();
    let mut sum = Combination::new(T::chain_rule(value.primal, &inner));
    for (partial, tangent) in moving {
        sum.add_product(partial, tangent);
    }
    if !inner.is_empty() && !is_still(&value) {
        // If the value is NaN, the sum depends on the value too: the sum is then NaN, and so are its derivatives that
        // are not zero.
        sum.add(Partial::Zero, &value);
    }
    sum.finish()
}

/// A custom rule: its second derivative is taken along each lane, in dual numbers of dual numbers. The first lane
/// also adds the part that comes from the Laplacians of the inputs.
pub(super) fn call<T, N, R>(
    rule: &R,
    x: &[ForwardLaplacian<T, N>],
) -> Result<Vec<ForwardLaplacian<T, N>>, Error>
where
    T: Differentiable,
    N: Lanes<T>,
    R: CustomRule<Scalar = T::Scalar>,
{
    let primals: Vec<T> = x.iter().map(|x| x.primal).collect();
    let tag = Tag::meet_all(x.iter().map(|x| x.tag));
    let still = |z| ForwardLaplacian::lift(z).tagged(tag);
    let mut z: Vec<_> = T::call(rule, &primals)?.into_iter().map(still).collect();
    for lane in 0..N::USIZE.max(1) {
        let derivative = |x: &ForwardLaplacian<T, N>| x.tangent.get(lane).copied().unwrap_or(T::zero());
        let bend = |x: &ForwardLaplacian<T, N>| if lane == 0 { x.laplacian } else { T::zero() };
        if x.iter().all(|x| derivative(x).is_identically_zero() && bend(x).is_identically_zero()) {
            continue;
        }
        let only = |x: T| GenericArray::generate(|_| x);
        let moving = |x: &ForwardLaplacian<T, N>| {
            let (primal, second) =
                (Dual::new(x.primal, only(derivative(x))), Dual::new(derivative(x), only(bend(x))));
            Dual::new(primal, GenericArray::generate(|_| second))
        };
        let inputs: Vec<Dual<Dual<T>>> = x.iter().map(moving).collect();
        for (z, y) in z.iter_mut().zip(Dual::call(rule, &inputs)?) {
            if let Some(tangent) = z.tangent.get_mut(lane) {
                *tangent = y.primal().raw_tangent()[0];
            }
            z.laplacian = added(z.laplacian, y.raw_tangent()[0].raw_tangent()[0]);
        }
    }
    Ok(z)
}
