//! How the entries of a sparse Jacobian are computed, decided once: by which products, and how these are evaluated.
//!
//! There are two ways, and the cheaper one is chosen:
//!
//! - *Written out*: the products along all colours are one program. A structurally zero derivative takes no operation
//!   there, so the size of the program hardly depends on the number of colours.
//! - *In lanes*: the jvp or the vjp is a program with the point as its parameters and the direction as its data,
//!   replayed for sixteen colours at a time. This is for functions with intermediate results that depend on many
//!   inputs.

use super::dependence;
use crate::program::transform::derivative::{self, Inputs};
use crate::program::transform::products::{Product, Seeds, products};
use crate::program::{BatchWorkspace, Graph, Points, Program, Rows, Workspace};
use crate::sparse::{Colouring, ColouringKind, Order, Pattern, Recovery, Source};
use crate::{Error, ProgramScalar};

/// A written-out program, recorded with all care for zeros and NaN, may have this many times the nodes and operands
/// of the function for each sixteen colours. After speculation a quarter of them remain, which take about as long as
/// lanes.
const ROOM: usize = 32;

/// The most blocks of colours that are counted, and the most nodes and operands, some gigabytes: above these, lanes
/// take less memory.
const MOST_BLOCKS: usize = 8;
const MOST: usize = 1 << 27;

/// Smaller programs are always written out.
const SMALL: usize = 1 << 12;

/// A reverse sweep takes about twice as long as a forward evaluation along a direction.
const REVERSE: usize = 2;

/// Below this cost, both modes together do not pay.
const BIDIRECTIONAL: usize = 16;

/// A plan for the entries of a matrix of derivatives.
#[derive(Clone, Debug)]
pub(super) struct Plan<F> {
    pattern: Pattern,
    colouring: Colouring,
    recovery: Recovery,
    way: Way<F>,
    /// The place of each entry among the numbers that an evaluation gives.
    places: Vec<u32>,
    /// How many outputs come first among these numbers.
    outputs: usize,
    /// How many parameters and data the function has.
    split: [usize; 2],
}

#[derive(Clone, Debug)]
enum Way<F> {
    WrittenOut(Box<Program<F>>),
    /// Forward products, then reverse products, if there are colours for them.
    Lanes(Vec<Pass<F>>),
}

/// Products along colours, all in one mode.
#[derive(Clone, Debug)]
struct Pass<F> {
    program: Program<F>,
    /// A direction for each colour.
    seeds: Vec<F>,
    colours: usize,
}

impl<F: ProgramScalar> Pass<F> {
    fn directions(&self) -> Rows<'_, F> {
        let width = self.program.data();
        Rows::counted(&self.seeds, width, self.colours)
    }

    fn len(&self) -> usize {
        self.colours * self.program.outputs()
    }
}

/// The memory of a plan.
#[derive(Clone, Debug)]
pub(super) struct Memory<F: ProgramScalar> {
    pub(super) workspace: Workspace<F>,
    pub(super) batch: BatchWorkspace<F>,
    numbers: Vec<F>,
}

impl<F: ProgramScalar> Default for Memory<F> {
    fn default() -> Self {
        Self { workspace: Workspace::default(), batch: BatchWorkspace::default(), numbers: Vec::new() }
    }
}

/// A graph whose first outputs are differentiated, with respect to the requested inputs.
pub(super) struct Function<'a, F> {
    pub(super) graph: &'a Graph<F>,
    pub(super) rows: usize,
    pub(super) wanted: &'a [usize],
}

impl<F: ProgramScalar> Function<'_, F> {
    /// Where the matrix may have entries.
    pub(super) fn pattern(&self) -> Result<Pattern, Error> {
        dependence::pattern(self.graph, &self.graph.outputs[..self.rows], self.wanted)
    }

    /// Refuses a pattern of another shape, or one that lacks an entry.
    pub(super) fn check(&self, pattern: &Pattern) -> Result<(), Error> {
        self.check_shape(pattern)?;
        match pattern.first_missing(&self.pattern()?) {
            None => Ok(()),
            Some((row, column)) => Err(Error::OutsidePattern { row, column }),
        }
    }

    pub(super) fn check_shape(&self, pattern: &Pattern) -> Result<(), Error> {
        Error::check_length("pattern: its rows", "output", self.rows, pattern.rows())?;
        Error::check_length(
            "list of columns of the pattern",
            "requested input",
            self.wanted.len(),
            pattern.columns(),
        )
    }

    fn products(&self, colouring: &Colouring, wanted: &[Product], limit: usize) -> Option<Graph<F>> {
        let inputs = self.wanted.iter().enumerate();
        let inputs: Vec<_> = inputs
            .filter_map(|(column, &input)| Some((input, colouring.column_colour(column)? as u32)))
            .collect();
        let outputs: Vec<_> =
            (0..self.rows).filter_map(|row| Some((row, colouring.row_colour(row)? as u32))).collect();
        products(self.graph, &Seeds { inputs: &inputs, outputs: &outputs }, wanted, limit)
    }
}

impl<F: ProgramScalar> Plan<F> {
    /// The plan of a function, with the pattern and the colouring chosen for it.
    pub(super) fn of<'f>(
        function: &Function<'f, F>,
        choose: impl FnOnce(&Function<'f, F>) -> Result<(Pattern, Colouring), Error>,
    ) -> Result<Self, Error> {
        let (pattern, colouring) = choose(function)?;
        let recovery = colouring.recovery(&pattern)?;
        let outputs = function.graph.outputs.len();
        let blocks = colouring.products().div_ceil(16).clamp(1, MOST_BLOCKS);
        let limit = (function.graph.size() * ROOM * blocks).clamp(SMALL, MOST);
        let (way, places) = match Self::written_out(function, &colouring, &recovery, limit) {
            Some(written_out) => written_out,
            None => Self::by_lanes(function, &colouring, &recovery)?,
        };
        let split = [function.graph.parameters, function.graph.data];
        Ok(Self { pattern, colouring, recovery, way, places, outputs, split })
    }

    /// This plan, evaluated at one point by machine code if a program is, from the same compiler. Products in lanes
    /// stay in lanes.
    pub(super) fn compiled_like(self, program: &Program<F>) -> Self {
        let way = match self.way {
            Way::WrittenOut(products) => Way::WrittenOut(Box::new(products.compiled_like(program))),
            lanes @ Way::Lanes(_) => lanes,
        };
        Self { way, ..self }
    }

    /// The products as one program of at most `limit` operations.
    fn written_out(
        function: &Function<'_, F>,
        colouring: &Colouring,
        recovery: &Recovery,
        limit: usize,
    ) -> Option<(Way<F>, Vec<u32>)> {
        // Each number of a product once, however many entries are read from it.
        let mut positions = recovery.positions().to_vec();
        positions.sort_unstable();
        positions.dedup();
        let product = |&position: &u32| match recovery.source_at(position) {
            Source::Columns { colour, row } => Product::Forward { colour: colour as u32, row: row as u32 },
            Source::Rows { colour, column } => {
                Product::Reverse { colour: colour as u32, input: function.wanted[column] as u32 }
            }
        };
        let wanted: Vec<_> = positions.iter().map(product).collect();
        let graph = function.products(colouring, &wanted, limit)?;
        let outputs = function.graph.outputs.len() as u32;
        let place = |position: &u32| outputs + positions.binary_search(position).expect("it is there") as u32;
        let places = recovery.positions().iter().map(place).collect();
        Some((Way::WrittenOut(Box::new(Program::from(graph).optimized())), places))
    }

    /// The products in lanes.
    fn by_lanes(
        function: &Function<'_, F>,
        colouring: &Colouring,
        recovery: &Recovery,
    ) -> Result<(Way<F>, Vec<u32>), Error> {
        let (inputs, outputs) = (function.graph.inputs(), function.graph.outputs.len());
        // The point is the same for all colours.
        let graph = Graph { parameters: inputs, data: 0, ..function.graph.clone() };
        let [column_colours, row_colours] = [colouring.column_colours(), colouring.row_colours()];
        let mut passes = Vec::new();
        if column_colours > 0 {
            let mut seeds = vec![F::zero(); column_colours * inputs];
            for (column, &input) in function.wanted.iter().enumerate() {
                if let Some(colour) = colouring.column_colour(column) {
                    seeds[colour * inputs + input] = F::one();
                }
            }
            let program = Program::from(derivative::jvp(&graph, &[], Inputs::Data).graph);
            passes.push(Pass { program, seeds, colours: column_colours });
        }
        let of_columns = passes.first().map_or(0, Pass::len);
        if row_colours > 0 {
            let mut seeds = vec![F::zero(); row_colours * outputs];
            for row in 0..function.rows {
                if let Some(colour) = colouring.row_colour(row) {
                    seeds[colour * outputs + row] = F::one();
                }
            }
            let program = Program::from(derivative::vjp::<F, true>(&graph, function.wanted, &[]).graph);
            passes.push(Pass { program, seeds, colours: row_colours });
        }
        let place = |&position: &u32| match recovery.source_at(position) {
            Source::Columns { colour, row } => (2 * colour + 1) * outputs + row,
            Source::Rows { colour, column } => {
                of_columns + colour * (outputs + function.wanted.len()) + outputs + column
            }
        };
        let places: Result<_, _> =
            recovery.positions().iter().map(|position| u32::try_from(place(position))).collect();
        let too_many = |_| Error::NotAPattern { reason: "its products take 2³² numbers or more".into() };
        Ok((Way::Lanes(passes), places.map_err(too_many)?))
    }

    pub(super) fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    pub(super) fn colouring(&self) -> &Colouring {
        &self.colouring
    }

    /// Whether the products are written out.
    pub(super) fn is_written_out(&self) -> bool {
        matches!(self.way, Way::WrittenOut(_))
    }

    /// Writes the entries at `x`, and returns the outputs.
    pub(super) fn evaluate<'m>(
        &self,
        memory: &'m mut Memory<F>,
        x: &[F],
        values: &mut [F],
    ) -> Result<&'m [F], Error> {
        Error::check_length("slice of values", "entry of the pattern", self.pattern.len(), values.len())?;
        let Memory { workspace, batch, numbers } = memory;
        match &self.way {
            Way::WrittenOut(program) => {
                numbers.resize(program.outputs(), F::zero());
                program.evaluate(workspace, x, numbers)?;
            }
            Way::Lanes(passes) => {
                numbers.resize(passes.iter().map(Pass::len).sum(), F::zero());
                let mut rest = &mut numbers[..];
                for pass in passes {
                    let (part, others) = rest.split_at_mut(pass.len());
                    let program = &pass.program;
                    Error::check_length("point", "input", program.parameters(), x.len())?;
                    let evaluated = program.values(batch, x, &pass.directions(), part);
                    evaluated.map_err(|error| error.at_point(0))?;
                    rest = others;
                }
            }
        }
        self.recovery.recover_by(|entry| numbers[self.places[entry] as usize], values)?;
        Ok(&numbers[..self.outputs])
    }

    /// Writes the outputs and the entries at each of many points, given the parameters.
    pub(super) fn evaluate_batch<P: Points<F> + ?Sized>(
        &self,
        memory: &mut Memory<F>,
        parameters: &[F],
        points: &P,
        outputs: &mut [F],
        values: &mut [F],
    ) -> Result<(), Error> {
        let (count, entries) = (points.count(), self.pattern.len());
        Error::check_length("slice of outputs", "output and point", count * self.outputs, outputs.len())?;
        Error::check_length("slice of values", "entry and point", count * entries, values.len())?;
        let [of_all, of_point] = self.split;
        Error::check_length("slice of parameters", "parameter", of_all, parameters.len())?;
        (0..count).try_for_each(|point| {
            Error::check_length("point", "datum", of_point, points.point(point).len())
        })?;
        let Way::WrittenOut(program) = &self.way else {
            return self.evaluate_each(memory, parameters, points, outputs, values);
        };
        let (width, numbers) = (program.outputs(), &mut memory.numbers);
        numbers.resize(count * width, F::zero());
        program.values(&mut memory.batch, parameters, points, numbers)?;
        for point in 0..count {
            let numbers = &numbers[point * width..][..width];
            outputs[point * self.outputs..][..self.outputs].copy_from_slice(&numbers[..self.outputs]);
            let values = &mut values[point * entries..][..entries];
            self.recovery.recover_by(|entry| numbers[self.places[entry] as usize], values)?;
        }
        Ok(())
    }

    fn evaluate_each<P: Points<F> + ?Sized>(
        &self,
        memory: &mut Memory<F>,
        parameters: &[F],
        points: &P,
        outputs: &mut [F],
        values: &mut [F],
    ) -> Result<(), Error> {
        let entries = self.pattern.len();
        for point in 0..points.count() {
            let x = [parameters, points.point(point)].concat();
            let values = &mut values[point * entries..][..entries];
            let of_point = self.evaluate(memory, &x, values).map_err(|error| error.at_point(point))?;
            outputs[point * self.outputs..][..self.outputs].copy_from_slice(of_point);
        }
        Ok(())
    }
}

/// The cheapest colouring of a Jacobian: of columns, of rows, or of both.
pub(super) fn colour_jacobian(pattern: &Pattern) -> Result<Colouring, Error> {
    // All orders are tried: at a million unknowns, they take a hundredth of the time that it takes to write the
    // products out.
    let colour = |kind| Colouring::best(pattern, kind, &Order::ALL);
    let cost = |colouring: &Colouring| colouring.column_colours() + REVERSE * colouring.row_colours();
    let mut best = colour(ColouringKind::Columns)?;
    // A single column takes at least one reverse product.
    if best.products() > REVERSE {
        let rows = colour(ColouringKind::Rows)?;
        if cost(&rows) < cost(&best) {
            best = rows;
        }
    }
    if cost(&best) > BIDIRECTIONAL {
        let both = colour(ColouringKind::Bidirectional)?;
        if 2 * cost(&both) < cost(&best) {
            best = both;
        }
    }
    Ok(best)
}

/// The colouring of a Hessian.
pub(super) fn colour_hessian(pattern: &Pattern) -> Result<Colouring, Error> {
    Colouring::best(pattern, ColouringKind::Star, &Order::ALL)
}
