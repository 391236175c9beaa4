//! Translates statements to Cranelift's instructions.

mod checks;
mod operations;

use crate::Error;
use crate::functions::{Function, narrow_sin_cos, sin_cos};
use crate::layout::Layout;
use crate::number::Number;
use checks::Refusals;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::immediates::Offset32;
use cranelift_codegen::ir::{self, AbiParam, BlockArg, InstBuilder, MemFlagsData, Signature, types};
use cranelift_codegen::isa::{TargetFrontendConfig, TargetIsa};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use dualtape::codegen::{Array, Carried, Expression, INPUTS, Loop, Memory, OUTPUTS, Place, Statement, Value};
use dualtape::rules::Op;
use rustc_hash::{FxHashMap, FxHashSet};

/// The number of statements for which a number that can be loaded again is kept in a register.
const KEPT: usize = 24;

/// Operations that the processor performs in one instruction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Features {
    pub(crate) fused: bool,
    pub(crate) rounds: bool,
}

impl Features {
    pub(crate) fn of(isa: &dyn TargetIsa) -> Self {
        let flags = isa.isa_flags();
        let has = |name| {
            !cfg!(target_arch = "x86_64")
                || flags.iter().any(|flag| flag.name == name && flag.as_bool() == Some(true))
        };
        Self { fused: has("has_fma"), rounds: has("has_sse41") }
    }
}

/// The constants of all parts.
#[derive(Debug)]
pub(crate) struct Constants<F> {
    pub(crate) numbers: Vec<F>,
    places: FxHashMap<u64, usize>,
}

impl<F> Default for Constants<F> {
    fn default() -> Self {
        Self { numbers: Vec::new(), places: FxHashMap::default() }
    }
}

impl<F: Number> Constants<F> {
    fn place(&mut self, number: F) -> usize {
        *self.places.entry(number.bits()).or_insert_with(|| {
            self.numbers.push(number);
            self.numbers.len() - 1
        })
    }
}

/// How a value of the routine is represented here.
#[derive(Clone, Copy)]
pub(crate) enum Source {
    /// The result of an instruction.
    Computed(ir::Value),
    /// A number that stays in memory, and is loaded each time it is read.
    Again(Again),
}

/// A constant or an input: its array, and its place there.
type Again = [usize; 2];

/// The values of the part that is being emitted.
pub(crate) struct Known {
    /// The part, counted from 1.
    part: u32,
    /// For each value of the routine, the last part in which it was defined, and its source there.
    sources: Vec<(u32, Source)>,
}

impl Known {
    pub(crate) fn new(values: usize) -> Self {
        Self { part: 0, sources: vec![(0, Source::Again([0; 2])); values] }
    }

    fn define(&mut self, value: Value, source: Source) {
        self.sources[value as usize] = (self.part, source);
    }

    fn source(&self, value: Value) -> Source {
        let (part, source) = self.sources[value as usize];
        assert_eq!(part, self.part, "value {value} is read in a part that does not define it");
        source
    }
}

/// Data shared by all parts.
pub(crate) struct Shared<'a, F> {
    pub(crate) layout: &'a Layout,
    pub(crate) required: &'a [Array],
    pub(crate) features: Features,
    pub(crate) target: TargetFrontendConfig,
    pub(crate) constants: Constants<F>,
    pub(crate) known: Known,
}

/// The signature of all functions: they take pointers to the arrays, to the workspace and to the constants, and
/// return 0 if no failed.
pub(crate) fn signature(target: TargetFrontendConfig) -> Signature {
    let mut signature = Signature::new(target.default_call_conv);
    signature.params = vec![AbiParam::new(target.pointer_type()); POINTERS];
    signature.returns = vec![AbiParam::new(types::I32)];
    signature
}

/// Emits a part into an empty function.
pub(crate) fn emit<F: Number>(
    part: &[Statement<F>],
    shared: &mut Shared<'_, F>,
    function: &mut ir::Function,
    context: &mut FunctionBuilderContext,
) -> Result<(), Error> {
    let mut builder = FunctionBuilder::new(function, context);
    let entry = builder.create_block();
    builder.append_block_params_for_function_params(entry);
    builder.switch_to_block(entry);
    let pointers = std::array::from_fn(|array| builder.block_params(entry)[array]);
    shared.known.part += 1;
    let mut emitter = Emitter {
        builder,
        shared,
        pointers,
        loaded: FxHashMap::default(),
        masks: FxHashMap::default(),
        signatures: FxHashMap::default(),
        turns: Turns { count: 1, index: None, pointers: Vec::new() },
        refused: None,
        time: 0,
    };
    emitter.block(part)?;
    emitter.finish();
    Ok(())
}

/// The number of pointer arguments.
const POINTERS: usize = INPUTS + OUTPUTS + 2;

/// The index of the pointer to the constants.
const CONSTANTS: usize = POINTERS - 1;

/// The innermost loop.
struct Turns {
    count: usize,
    /// The index of the current iteration; `None` outside loops.
    index: Option<ir::Value>,
    /// The base addresses of strided places in this iteration, by array and stride.
    pointers: Vec<([usize; 2], ir::Value)>,
}

struct Emitter<'a, 'b, F> {
    builder: FunctionBuilder<'a>,
    shared: &'a mut Shared<'b, F>,
    pointers: [ir::Value; POINTERS],
    /// The constants and inputs that are loaded in registers, and when each was last read.
    loaded: FxHashMap<Again, (ir::Value, usize)>,
    /// All bits of a comparison's result.
    masks: FxHashMap<Value, ir::Value>,
    signatures: FxHashMap<(usize, bool), ir::SigRef>,
    turns: Turns,
    refused: Option<ir::Block>,
    /// The number of statements so far.
    time: usize,
}

/// The angles of a block whose sine and cosine are both needed, and the results once they are computed.
type Angles = FxHashMap<Value, Option<[ir::Value; 2]>>;

impl<F: Number> Emitter<'_, '_, F> {
    fn finish(mut self) {
        let returned = self.builder.ins().iconst(types::I32, 0);
        self.builder.ins().return_(&[returned]);
        if let Some(refused) = self.refused {
            self.builder.set_cold_block(refused);
            self.builder.switch_to_block(refused);
            let returned = self.builder.ins().iconst(types::I32, 1);
            self.builder.ins().return_(&[returned]);
        }
        self.builder.seal_all_blocks();
        self.builder.finalize(self.shared.target);
    }

    /// Emits the statements of one block, and the branch that leaves if a check failed. The statements cannot fault, so all
    /// checks can be made at the end.
    fn block(&mut self, statements: &[Statement<F>]) -> Result<(), Error> {
        let (mut refusals, mut angles) = (Refusals::default(), shared_angles(statements));
        for statement in statements {
            self.time += 1;
            match statement {
                Statement::Let { value, is } => {
                    let source = self.source(is, &mut angles, *value)?;
                    self.shared.known.define(*value, source);
                }
                Statement::Store { to, value } => self.store(to, *value, &mut refusals)?,
                Statement::Check(check) => self.check(check, &mut refusals),
                Statement::Loop(turns) => self.repeat(turns)?,
            }
        }
        self.refuse_if_any(refusals);
        Ok(())
    }

    fn source(&mut self, is: &Expression<F>, angles: &mut Angles, value: Value) -> Result<Source, Error> {
        Ok(match is {
            Expression::Constant(number) => Source::Again([CONSTANTS, self.shared.constants.place(*number)]),
            Expression::Load(place @ Place { memory: Memory::Input(_), stride: 0, .. }) => {
                Source::Again([self.shared.layout.array(place, 1)?, place.first])
            }
            Expression::Load(place) => {
                let (pointer, offset) = self.address(place)?;
                Source::Computed(self.builder.ins().load(F::TYPE, MemFlagsData::trusted(), pointer, offset))
            }
            Expression::Norm(terms) => Source::Computed(self.norm(terms)),
            Expression::Apply(op @ (Op::Sin | Op::Cos), [angle, ..]) if angles.contains_key(angle) => {
                let [sin, cos] = self.sin_and_cos(*angle, angles);
                Source::Computed(if *op == Op::Sin { sin } else { cos })
            }
            Expression::Apply(op, operands) => Source::Computed(self.apply(*op, operands, value)?),
        })
    }

    fn store(&mut self, to: &Place, value: Value, refusals: &mut Refusals) -> Result<(), Error> {
        let number = self.operand(value);
        let (pointer, offset) = self.address(to)?;
        self.builder.ins().store(MemFlagsData::trusted(), number, pointer, offset);
        match to.memory {
            Memory::Input(_) => return Err(Error::OutOfPlace { place: format!("{to:?}, to write to") }),
            Memory::Output(array) => self.require(self.shared.required[array].required, number, refusals),
            Memory::Workspace => {}
        }
        Ok(())
    }

    /// A value in a register.
    fn operand(&mut self, value: Value) -> ir::Value {
        match self.shared.known.source(value) {
            Source::Computed(value) => value,
            Source::Again(again) => self.again(again),
        }
    }

    /// Values that are loaded where they are read: a register that held one would often be needed for something else first.
    fn again(&mut self, again: Again) -> ir::Value {
        if let Some((value, read)) = self.loaded.get_mut(&again)
            && *read + KEPT >= self.time
        {
            *read = self.time;
            return *value;
        }
        let [array, place] = again;
        let (pointer, offset) = self.offset(self.pointers[array], place);
        let flags = MemFlagsData::trusted().with_readonly();
        let value = self.builder.ins().load(F::TYPE, flags, pointer, offset);
        self.loaded.insert(again, (value, self.time));
        value
    }

    fn constant(&mut self, number: F) -> ir::Value {
        let place = self.shared.constants.place(number);
        self.again([CONSTANTS, place])
    }

    /// The address of a place in this iteration. All loads and stores of the routine's places use this function, or
    /// [`Layout::array`] directly, which knows the lengths of arrays.
    fn address(&mut self, place: &Place) -> Result<(ir::Value, Offset32), Error> {
        let array = self.shared.layout.array(place, self.turns.count)?;
        let pointer = match self.turns.index {
            Some(index) if place.stride > 0 => self.strided(array, index, place.stride),
            _ => self.pointers[array],
        };
        Ok(self.offset(pointer, place.first))
    }

    fn strided(&mut self, array: usize, index: ir::Value, stride: usize) -> ir::Value {
        if let Some((_, pointer)) = self.turns.pointers.iter().find(|(known, _)| *known == [array, stride]) {
            return *pointer;
        }
        let bytes = self.builder.ins().imul_imm_u(index, (stride * F::BYTES) as i64);
        let pointer = self.builder.ins().iadd(self.pointers[array], bytes);
        self.turns.pointers.push(([array, stride], pointer));
        pointer
    }

    /// The address a given number of numbers after a pointer.
    fn offset(&mut self, pointer: ir::Value, numbers: usize) -> (ir::Value, Offset32) {
        let bytes = numbers * F::BYTES;
        match i32::try_from(bytes) {
            Ok(bytes) => (pointer, Offset32::new(bytes)),
            Err(_) => (self.builder.ins().iadd_imm_u(pointer, bytes as i64), Offset32::new(0)),
        }
    }

    fn repeat(&mut self, Loop { turns, backwards, carried, body }: &Loop<F>) -> Result<(), Error> {
        let [inside, after] = [(); 2].map(|()| self.builder.create_block());
        let index_type = self.shared.target.pointer_type();
        let [first, last, step] =
            if *backwards { [*turns as i64 - 1, 0, -1] } else { [0, *turns as i64 - 1, 1] };
        let index = self.builder.ins().iconst(index_type, first);
        let start = self.arguments(carried.iter().map(|carried| carried.start), Some(index));
        self.builder.ins().jump(inside, &start);
        self.builder.switch_to_block(inside);
        self.parameters(inside, carried, |carried| carried.inside);
        let index = self.builder.append_block_param(inside, index_type);
        let turn = Turns { count: *turns, index: Some(index), pointers: Vec::new() };
        let outer = std::mem::replace(&mut self.turns, turn);
        self.block(body)?;
        self.turns = outer;
        let next_index = self.builder.ins().iadd_imm_s(index, step);
        let next = self.arguments(carried.iter().map(|carried| carried.next), Some(next_index));
        let done = self.arguments(carried.iter().map(|carried| carried.next), None);
        let goes_on = self.builder.ins().icmp_imm_u(IntCC::NotEqual, index, last);
        self.builder.ins().brif(goes_on, inside, &next, after, &done);
        self.builder.switch_to_block(after);
        self.parameters(after, carried, |carried| carried.after);
        Ok(())
    }

    fn arguments(&mut self, values: impl Iterator<Item = Value>, index: Option<ir::Value>) -> Vec<BlockArg> {
        let values: Vec<ir::Value> = values.map(|value| self.operand(value)).collect();
        values.into_iter().chain(index).map(BlockArg::Value).collect()
    }

    fn parameters(&mut self, block: ir::Block, carried: &[Carried], name: impl Fn(&Carried) -> Value) {
        for carried in carried {
            let parameter = self.builder.append_block_param(block, F::TYPE);
            self.shared.known.define(name(carried), Source::Computed(parameter));
        }
    }

    fn call(&mut self, function: Function, operands: &[ir::Value]) -> ir::Value {
        let (address, integer) = match function {
            Function::Plain(address) => (address, None),
            Function::With(address, integer) => (address, Some(integer)),
        };
        let key = (operands.len(), integer.is_some());
        let signature = match self.signatures.get(&key) {
            Some(&known) => known,
            None => {
                let mut signature = Signature::new(self.shared.target.default_call_conv);
                signature.params = vec![AbiParam::new(F::TYPE); operands.len()];
                signature.params.extend(integer.map(|_| AbiParam::new(types::I32)));
                signature.returns = vec![AbiParam::new(F::TYPE)];
                let signature = self.builder.import_signature(signature);
                self.signatures.insert(key, signature);
                signature
            }
        };
        let mut arguments = operands.to_vec();
        arguments.extend(integer.map(|integer| self.builder.ins().iconst(types::I32, i64::from(integer))));
        self.call_address(address, signature, &arguments)[0]
    }

    fn call_address(
        &mut self,
        address: usize,
        signature: ir::SigRef,
        arguments: &[ir::Value],
    ) -> Vec<ir::Value> {
        let address = self.builder.ins().iconst(self.shared.target.pointer_type(), address as i64);
        let call = self.builder.ins().call_indirect(signature, address, arguments);
        self.builder.inst_results(call).to_vec()
    }

    /// Sine and cosine with one call.
    fn sin_and_cos(&mut self, angle: Value, angles: &mut Angles) -> [ir::Value; 2] {
        if let Some(Some(known)) = angles.get(&angle) {
            return *known;
        }
        let operand = self.operand(angle);
        let mut signature = Signature::new(self.shared.target.default_call_conv);
        signature.params = vec![AbiParam::new(F::TYPE)];
        let narrow = F::TYPE == types::F32;
        signature.returns =
            if narrow { vec![AbiParam::new(types::I64)] } else { vec![AbiParam::new(F::TYPE); 2] };
        let signature = self.builder.import_signature(signature);
        let both = if narrow {
            let both =
                self.call_address(narrow_sin_cos as extern "C" fn(_) -> _ as usize, signature, &[operand])[0];
            let high = self.builder.ins().ushr_imm_u(both, 32);
            [both, high].map(|half| {
                let bits = self.builder.ins().ireduce(types::I32, half);
                self.builder.ins().bitcast(types::F32, MemFlagsData::new(), bits)
            })
        } else {
            let both = self.call_address(sin_cos as extern "C" fn(_) -> _ as usize, signature, &[operand]);
            [both[0], both[1]]
        };
        angles.insert(angle, Some(both));
        both
    }
}

/// The angles whose sine and cosine are both computed in a block.
fn shared_angles<F>(statements: &[Statement<F>]) -> Angles {
    // On other platforms, C functions return two numbers in a different way than Cranelift expects.
    if !cfg!(all(unix, any(target_arch = "x86_64", target_arch = "aarch64"))) {
        return Angles::default();
    }
    let of = |wanted: Op| {
        statements.iter().filter_map(move |statement| match statement {
            Statement::Let { is: Expression::Apply(op, [angle, ..]), .. } if *op == wanted => Some(*angle),
            _ => None,
        })
    };
    let sines: FxHashSet<Value> = of(Op::Sin).collect();
    of(Op::Cos).filter(|angle| sines.contains(angle)).map(|angle| (angle, None)).collect()
}
