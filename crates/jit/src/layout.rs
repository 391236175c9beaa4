//! Where the numbers of a routine stand in the one memory of its machine code.

use crate::Error;
use dualtape::codegen::{Memory, Place, Routine};
use std::ops::Range;

/// The parts of the memory: all inputs, all outputs, the workspace.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    inputs: Vec<Range<usize>>,
    outputs: Vec<Range<usize>>,
    workspace: Range<usize>,
}

impl Layout {
    pub(crate) fn of<F: dualtape::ProgramScalar>(routine: &Routine<F>) -> Self {
        let mut end = 0;
        let mut next = |len: usize| {
            let start = end;
            end += len;
            start..end
        };
        let inputs = routine.inputs().iter().map(|array| next(array.len)).collect();
        let outputs = routine.outputs().iter().map(|array| next(array.len)).collect();
        Self { inputs, outputs, workspace: next(routine.workspace()) }
    }

    /// How many numbers the memory has.
    pub(crate) fn len(&self) -> usize {
        self.workspace.end
    }

    /// Where a place stands in the first of so many turns, if it is within its part of the memory in all of them.
    pub(crate) fn first(&self, place: &Place, turns: usize) -> Result<usize, Error> {
        let part = match place.memory {
            Memory::Input(array) => self.inputs.get(array),
            Memory::Output(array) => self.outputs.get(array),
            Memory::Workspace => Some(&self.workspace),
        };
        let last =
            turns.checked_sub(1).and_then(|turns| turns.checked_mul(place.stride)?.checked_add(place.first));
        match (part, last) {
            (Some(part), Some(last)) if last < part.len() => Ok(part.start + place.first),
            _ => Err(Error::OutOfPlace { place: format!("{place:?} in {turns} turns") }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_beyond_their_part_of_the_memory_are_refused() {
        let layout = Layout { inputs: vec![0..3], outputs: vec![3..5], workspace: 5..105 };
        let first = |memory, first, stride, turns| layout.first(&Place { memory, first, stride }, turns).ok();
        assert_eq!(first(Memory::Input(0), 2, 0, 1), Some(2));
        assert_eq!(first(Memory::Input(0), 3, 0, 1), None);
        assert_eq!(first(Memory::Input(1), 0, 0, 1), None);
        assert_eq!(first(Memory::Output(0), 1, 0, 7), Some(4));
        assert_eq!(first(Memory::Workspace, 9, 10, 10), Some(14));
        assert_eq!(first(Memory::Workspace, 10, 10, 10), None);
        assert_eq!(first(Memory::Workspace, 1, usize::MAX, 3), None);
    }
}
