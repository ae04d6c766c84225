"""Generated code for processors with AVX-512, AVX2 or neither, and for 64-bit ARM."""

import re
import struct
import subprocess
import sys

import llvmlite.binding as llvm
import numpy as np
import pytest
from benchmarks._workload import w1

from rekindle.engine import EventTable
from rekindle.engine._solve import subjects_of
from rekindle.engine.code._machine_code import compiled, optimised
from rekindle.engine.code._processor import processor, this_processor
from rekindle.engine.program._kernel import Kernel
from rekindle.engine.program._kernel_source import KernelSource
from rekindle.engine.program._program import compile_program
from rekindle.engine.program._program_run import run_program
from rekindle.engine.running import _job
from rekindle.errors import SolverError
from textbook import case

LEVELS = {"x86-64-v2": 2, "x86-64-v3": 4, "x86-64-v4": 8}
#: What differs between the people of a model.
VARIED = {
    "michaelis_menten": "Vmax",
    "myelosuppression": "slope",
    "target_mediated": "kint",
    "two_compartment": "CL",
}
#: Doubles in a register.
REGISTERS = {"xmm": 2, "ymm": 4, "zmm": 8}


def level(name):
    """A level of this processor; a test of one that it lacks is skipped."""
    try:
        return processor(name)
    except SolverError as problem:
        pytest.skip(problem.given)


def job(name):
    """Nine people of a workload, so that no number of lanes fits."""
    if name == "w1":
        found = w1()
        drawn, model, times = found.people(9), found.model, found.times
        parameters = [dict(zip(found.varied, row, strict=True)) for row in drawn]
        events = found.event_table(9)
    else:
        model, given, times = case(name)
        varied = VARIED[name]
        typical = model.parameters[varied].value
        parameters = [{varied: typical * (1 + 0.02 * i)} for i in range(9)]
        rows = [
            {"ID": i, "TIME": d["time"], "AMT": d["amount"], "DUR": d["duration"], "CMT": d["state"]}
            for i in range(9)
            for d in ({"time": 0, "amount": 0, "duration": 0, "state": next(iter(model.states))}, *given)
        ]
        events = EventTable.from_rows(rows, model)
    subjects = subjects_of(model, events, dict(zip(events.subjects, parameters, strict=True)), times)
    return _job.Job(model, tuple(model.outputs), (), subjects, 1e-8)


def rows(made, integrator, kind):
    """Outputs of everybody, and in how many groups they were run."""
    kernel = Kernel(made.compiled, kind.lanes, integrator, kind)
    program = compile_program(kernel.derivation, kernel.matrix, made.subjects)
    found = run_program(kernel, program, made.tolerance)
    return np.stack([result.values for result in found]), sum(result.groups for result in found)


@pytest.mark.parametrize(
    ("name", "integrator"),
    [("w1", "L1"), ("w1", "L2"), ("michaelis_menten", "L1"), ("target_mediated", "L2")],
)
def test_every_level_gives_the_same_numbers(name, integrator):
    made = job(name)
    wanted, groups = rows(made, integrator, processor("native"))
    assert groups == -(-9 // this_processor().lanes)
    scale = np.abs(wanted).max(axis=(0, 1))
    for text, lanes in LEVELS.items():
        try:
            kind = processor(text)
        except SolverError:
            continue
        found, groups = rows(made, integrator, kind)
        assert groups == -(-9 // lanes)
        gap = np.abs(found - wanted) / (np.abs(wanted) + 1e-2 * scale)
        assert gap.max() < 5e-6


@pytest.mark.parametrize(("name", "lanes"), LEVELS.items())
def test_code_of_a_level_has_its_instructions_and_no_others(name, lanes):
    kind = level(name)
    assert kind.lanes == lanes
    triple = llvm.get_default_triple()
    machine = llvm.Target.from_triple(triple).create_target_machine(cpu=kind.name, features=kind.features)
    module = KernelSource(job("michaelis_menten").compiled, lanes).module()
    text = machine.emit_assembly(optimised(module, triple, machine))
    widths = {REGISTERS[found] for found in re.findall(r"%(xmm|ymm|zmm)\d", text)}
    assert max(widths) == lanes
    assert ("vfmadd" in text) == (lanes > 2)
    called = set(re.findall(r"\bcallq?\s+([\w.]+)", text))
    foreign = {name for name in called if f"\n{name}:" not in text}
    # Without a multiply-add the few that must be exact are the C library's.
    assert foreign <= ({"fma"} if lanes == 2 else set()) | {"memset", "memcpy", "memmove"}


def test_kept_code_of_levels_is_not_mixed(tmp_path, monkeypatch):
    monkeypatch.setenv("REKINDLE_CACHE_DIR", str(tmp_path))
    made = job("two_compartment")
    kinds = [level(name) for name in LEVELS]
    found = [rows(made, "L1", kind)[0] for kind in kinds]
    kept = {path.name for path in tmp_path.iterdir()}
    assert len(kept) == len(LEVELS)
    # Even with the same lanes, so that nothing but the level tells them apart.
    for kind in kinds:
        Kernel(made.compiled, 2, "L1", kind)
    again = [rows(made, "L1", kind)[0] for kind in kinds]
    assert len(list(tmp_path.iterdir())) == 2 * len(LEVELS) - 1
    for first, second in zip(found, again, strict=True):
        np.testing.assert_array_equal(first, second)


SCRIPT = """
import rekindle
model = rekindle.load_model("model m\\ntime [h]\\nstate C [mg]\\nd/dt(C) = -0.1[1/h]*C\\noutput A [mg] = C")
events = rekindle.EventTable.from_rows([dict(ID=i, TIME=0, AMT=100, CMT="C") for i in range(9)], model)
found = rekindle.simulate(model, events, times=[10])
print(found.solver.lanes, found.solver.groups, round(float(found["A"][0, 0]), 4))
"""


@pytest.mark.parametrize(("name", "lanes"), [("x86-64-v2", 2), ("x86-64-v3", 4)])
def test_the_environment_chooses_the_level(name, lanes, monkeypatch):
    level(name)
    monkeypatch.setenv("REKINDLE_CPU", name)
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(lanes), str(-(-9 // lanes)), "36.7879"]


def test_levels_that_are_unknown_or_lacking_are_refused(monkeypatch):
    with pytest.raises(SolverError, match=r'did you mean "x86-64-v3"') as unknown:
        processor("x86-64-v33")
    assert unknown.value.code == "RK-SOL-033"

    class Host(dict):
        def flatten(self):
            return ""

    monkeypatch.setattr(llvm, "get_host_cpu_features", lambda: Host({"sse4.2": True, "popcnt": True}))
    with pytest.raises(SolverError, match="without avx2, fma, bmi2") as lacking:
        processor("x86-64-v3")
    assert lacking.value.code == "RK-SOL-034"
    assert (processor("x86-64-v2").lanes, processor("native").lanes) == (2, 2)


def test_code_for_64_bit_arm_is_made_and_complete():
    """Made, not run: there is no such machine here. Two lanes are what its vectors hold."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    triple = "aarch64-unknown-linux-gnu"
    machine = llvm.Target.from_triple(triple).create_target_machine(cpu="generic", opt=2)
    source = KernelSource(job("myelosuppression").compiled, 2)
    code = compiled(source.module(), triple, machine)
    assert code[:4] == b"\x7fELF"
    assert struct.unpack("<H", code[18:20])[0] == 183  # EM_AARCH64
    text = machine.emit_assembly(optimised(source.module(), triple, machine))
    assert "fmla" in text
    assert re.search(r"\bv\d+\.2d", text)
    called = set(re.findall(r"^\s+bl\s+([\w.]+)", text, re.M))
    assert {name for name in called if f"\n{name}:" not in text} <= {"memset", "memcpy", "memmove"}
