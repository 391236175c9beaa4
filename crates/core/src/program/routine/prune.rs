//! Drops statements that no output and no check needs, and places in the workspace that are never read.

use super::statement::{Carried, Expression, Loop, Memory, Place, Statement};
use super::write::Region;

/// The statements that are needed, and the size of their workspace.
pub(super) fn prune<F>(
    mut statements: Vec<Statement<F>>,
    values: usize,
    regions: &[Region],
) -> (Vec<Statement<F>>, usize) {
    let mut live = Live { values: vec![false; values], regions: vec![false; regions.len()], all: regions };
    live.block(&statements);
    live.keep(&mut statements);
    let layout = Layout::of(regions, &live.regions);
    layout.place(&mut statements);
    (statements, layout.len)
}

/// What is read.
struct Live<'a> {
    values: Vec<bool>,
    regions: Vec<bool>,
    all: &'a [Region],
}

fn region_of(regions: &[Region], place: &Place) -> usize {
    // Regions that are empty start where the next one does, and have no places.
    regions.partition_point(|region| region.range().end <= place.first)
}

impl Live<'_> {
    fn is_live<F>(&self, statement: &Statement<F>) -> bool {
        match statement {
            Statement::Let { value, .. } => self.values[*value as usize],
            Statement::Store { to: place @ Place { memory: Memory::Workspace, .. }, .. } => {
                self.regions[region_of(self.all, place)]
            }
            Statement::Store { .. } | Statement::Check(_) => true,
            Statement::Loop(Loop { carried, body, .. }) => {
                carried.iter().any(|carried| self.values[carried.after as usize])
                    || body.iter().any(|statement| self.has_effect(statement))
            }
        }
    }

    /// Whether a statement is needed for more than its value.
    fn has_effect<F>(&self, statement: &Statement<F>) -> bool {
        !matches!(statement, Statement::Let { .. }) && self.is_live(statement)
    }

    /// Marks what the statements read, from the last to the first.
    fn block<F>(&mut self, statements: &[Statement<F>]) {
        for statement in statements.iter().rev() {
            if !self.is_live(statement) {
                continue;
            }
            if let Statement::Let { is: Expression::Load(place), .. } = statement
                && place.memory == Memory::Workspace
            {
                let region = region_of(self.all, place);
                self.regions[region] = true;
            }
            match statement {
                Statement::Loop(turns) => self.turns(turns),
                _ => statement.operands(|value| self.values[value as usize] = true),
            }
        }
    }

    /// Marks what a loop reads: a value that is carried to the next turn may be read there.
    fn turns<F>(&mut self, Loop { carried, body, .. }: &Loop<F>) {
        loop {
            let before = carried.iter().filter(|carried| self.carries(carried)).count();
            for carried in carried {
                if self.carries(carried) {
                    self.values[carried.next as usize] = true;
                }
            }
            self.block(body);
            if carried.iter().filter(|carried| self.carries(carried)).count() == before {
                break;
            }
        }
        for carried in carried {
            if self.carries(carried) {
                self.values[carried.start as usize] = true;
            }
        }
    }

    fn carries(&self, carried: &Carried) -> bool {
        self.values[carried.inside as usize] || self.values[carried.after as usize]
    }

    /// Drops all other statements.
    fn keep<F>(&self, statements: &mut Vec<Statement<F>>) {
        statements.retain(|statement| self.is_live(statement));
        for statement in statements {
            if let Statement::Loop(Loop { carried, body, .. }) = statement {
                carried.retain(|carried| self.carries(carried));
                self.keep(body);
            }
        }
    }
}

/// The places of regions after others are dropped.
struct Layout<'a> {
    regions: &'a [Region],
    /// The first place of each region, and the distance between its places.
    places: Vec<[usize; 2]>,
    len: usize,
}

impl<'a> Layout<'a> {
    fn of(regions: &'a [Region], live: &[bool]) -> Self {
        let mut places = vec![[0; 2]; regions.len()];
        let mut len = 0;
        let mut start = 0;
        for group in regions.chunk_by(|a, b| a.group == b.group) {
            let members: Vec<usize> = (start..start + group.len()).filter(|&region| live[region]).collect();
            start += group.len();
            for (first, &region) in (len..).zip(&members) {
                places[region] = [first, members.len()];
            }
            len += members.len() * group[0].len;
        }
        Self { regions, places, len }
    }

    fn place<F>(&self, statements: &mut [Statement<F>]) {
        for statement in statements {
            match statement {
                Statement::Let { is: Expression::Load(place), .. } | Statement::Store { to: place, .. }
                    if place.memory == Memory::Workspace =>
                {
                    let region = region_of(self.regions, place);
                    let [first, apart] = self.places[region];
                    place.first = first + (place.first - self.regions[region].start) * apart;
                    place.stride *= apart;
                }
                Statement::Loop(Loop { body, .. }) => self.place(body),
                _ => {}
            }
        }
    }
}
