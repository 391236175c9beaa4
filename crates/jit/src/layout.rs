//! The sizes of a routine's arrays, used to check that nothing is read or written beyond them.

use crate::Error;
use dualtape::ProgramScalar;
use dualtape::codegen::{Array, INPUTS, Memory, OUTPUTS, Place, Routine};

/// The lengths of all arrays, and of the workspace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    pub(crate) inputs: [usize; INPUTS],
    pub(crate) outputs: [usize; OUTPUTS],
    pub(crate) workspace: usize,
}

impl Layout {
    pub(crate) fn of<F: ProgramScalar>(routine: &Routine<F>) -> Self {
        Self {
            inputs: lengths(routine.inputs()),
            outputs: lengths(routine.outputs()),
            workspace: routine.workspace(),
        }
    }

    /// The index of an array among all inputs, outputs and the workspace, if a place is inside it in each of `turns`
    /// iterations.
    pub(crate) fn array(&self, place: &Place, turns: usize) -> Result<usize, Error> {
        let (array, len) = match place.memory {
            Memory::Input(array) => (array, self.inputs.get(array)),
            Memory::Output(array) => (INPUTS + array, self.outputs.get(array)),
            Memory::Workspace => (INPUTS + OUTPUTS, Some(&self.workspace)),
        };
        let last =
            turns.checked_sub(1).and_then(|turns| turns.checked_mul(place.stride)?.checked_add(place.first));
        match (len, last) {
            (Some(len), Some(last)) if last < *len => Ok(array),
            _ => Err(Error::OutOfPlace { place: format!("{place:?} in {turns} iterations") }),
        }
    }
}

/// A place in an array that does not exist is refused, since the array has no length here.
fn lengths<const N: usize>(arrays: &[Array]) -> [usize; N] {
    std::array::from_fn(|array| arrays.get(array).map_or(0, |array| array.len))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_beyond_their_array_are_refused() {
        let layout = Layout { inputs: [3, 0], outputs: [0, 2, 0], workspace: 100 };
        let array = |memory, first, stride, turns| layout.array(&Place { memory, first, stride }, turns).ok();
        assert_eq!(array(Memory::Input(0), 2, 0, 1), Some(0));
        assert_eq!(array(Memory::Input(0), 3, 0, 1), None);
        assert_eq!(array(Memory::Input(1), 0, 0, 1), None);
        assert_eq!(array(Memory::Input(2), 0, 0, 1), None);
        assert_eq!(array(Memory::Output(1), 1, 0, 7), Some(3));
        assert_eq!(array(Memory::Output(3), 0, 0, 1), None);
        assert_eq!(array(Memory::Workspace, 9, 10, 10), Some(5));
        assert_eq!(array(Memory::Workspace, 10, 10, 10), None);
        assert_eq!(array(Memory::Workspace, 1, usize::MAX, 3), None);
        assert_eq!(array(Memory::Workspace, 1, 1, 0), None);
    }
}
