//! A Kalman filter that follows a pendulum by its noisy angle: no standard library, no memory, single precision, as a small
//! microcontroller has it. The Jacobian of the pendulum's step is [written](pendulum) when this is built, by `build.rs`.

#![no_std]
#![forbid(unsafe_code)]

/// The step of the pendulum, and its Jacobian: code that dualtape wrote.
pub mod pendulum {
    #![allow(unreachable_pub)]
    include!(concat!(env!("OUT_DIR"), "/pendulum.rs"));
}

/// An estimate of angle and speed, and how uncertain it is.
#[derive(Clone, Copy, Debug)]
pub struct Filter {
    /// Angle and speed, in radians and radians a second.
    pub state: [f32; 2],
    /// Their covariance.
    pub covariance: [[f32; 2]; 2],
}

/// How much the speed wanders in a step, as a variance.
const WANDER: f32 = 1e-5;

impl Filter {
    /// Moves on by a step under a torque, then takes a measured angle of a known variance into account.
    ///
    /// # Errors
    ///
    /// [`pendulum::Refusal`] where the state is not finite.
    pub fn step(&mut self, torque: f32, angle: f32, variance: f32) -> Result<(), pendulum::Refusal> {
        let (mut next, mut jacobian) = ([0.0; 2], [0.0; 6]);
        let [first, second] = self.state;
        pendulum::values_and_jacobian(&[first, second, torque], &mut next, &mut jacobian)?;
        let [a, b, _, c, d, _] = jacobian;
        let [[p, q], [_, r]] = self.covariance;
        // J P Jᵀ
        let p1 = a * (a * p + b * q) + b * (a * q + b * r);
        let q1 = c * (a * p + b * q) + d * (a * q + b * r);
        let r1 = c * (c * p + d * q) + d * (c * q + d * r) + WANDER;
        let gain = [p1 / (p1 + variance), q1 / (p1 + variance)];
        let off = angle - next[0];
        self.state = [next[0] + gain[0] * off, next[1] + gain[1] * off];
        let q2 = (1.0 - gain[0]) * q1;
        self.covariance = [[(1.0 - gain[0]) * p1, q2], [q2, r1 - gain[1] * q1]];
        Ok(())
    }
}
