"""TensorFlow, imported quietly: every module of this room takes it from here.

Importing it takes seconds, so nothing outside ``framedream.nn`` imports this room before
there is a picture to dream.
"""

from __future__ import annotations

import functools
import logging
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar


@contextmanager
def _stderr_held_back() -> Iterator[None]:
    """Hold back what native code writes to stderr; let it through if the block fails.

    TensorFlow logs a handful of lines while it is imported that no setting silences
    (its issue 100442). Left alone where the person asked for its log by environment; 3 is
    what this process sets itself, and what those it starts inherit.
    """
    if os.environ.get("TF_CPP_MIN_LOG_LEVEL", "3") != "3":
        yield
        return
    # Read by TensorFlow's native side at its import, and obeyed from then on.
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except Exception:
            held.seek(0)
            os.write(terminal, held.read())
            raise
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)


@contextmanager
def _without(module: str) -> Iterator[None]:
    """Have a module not be found that is only imported in case somebody wants it.

    Keras does that with matplotlib for its galleries, which takes a sixth of the time of its import. Nothing
    changes where it is imported already.
    """
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[module]


os.environ.setdefault("KERAS_BACKEND", "tensorflow")
with _stderr_held_back(), _without("matplotlib"):
    import keras
    import tensorflow as tf

tf.get_logger().setLevel("ERROR")
# Of Grappler's rewrites only the one that takes a convolution, its bias and its ReLU as one: the others come out
# differently from one trace to the next, which changes the last bits of a dream, and on the CPU they nearly double
# the time of SqueezeNet's gradient.
_REWRITES = (
    "arithmetic_optimization", "auto_mixed_precision", "auto_parallel", "common_subgraph_elimination",
    "constant_folding", "debug_stripper", "dependency_optimization", "function_optimization",
    "implementation_selector", "layout_optimizer", "loop_optimization", "pin_to_host_optimization",
    "scoped_allocator_optimization", "shape_optimization",
)  # fmt: skip
tf.config.optimizer.set_experimental_options(
    {name: False for name in _REWRITES} | {"remapping": True, "disable_model_pruning": True}
)
keras.config.disable_interactive_logging()

__all__ = ["compile_on_gpu", "has_xla", "keras", "tf", "traced_graph", "use_threads"]

log = logging.getLogger(__name__)

T = TypeVar("T", bound=Callable[..., Any])


def traced_graph(function: Callable[..., Any], signature: Sequence[tf.TensorSpec] | None = None) -> Callable[..., Any]:
    """A function as one graph, traced at its first call.

    Without AutoGraph: nothing in this room branches on tensors in plain Python, and rewriting all of its code
    takes as long as the tracing itself.
    """
    made: Callable[..., Any] = tf.function(function, signature, autograph=False)
    return made


def use_threads(count: int | None) -> None:
    """Bound the processor threads of TensorFlow in this process.

    TensorFlow takes this only before its first operation; after that a warning is logged
    and the first choice stands.

    Args:
        count: Number of threads, or None to leave the choice to TensorFlow (all cores).
    """
    if count is None or tf.config.threading.get_intra_op_parallelism_threads() == count:
        return
    try:
        tf.config.threading.set_intra_op_parallelism_threads(count)
        tf.config.threading.set_inter_op_parallelism_threads(count)
    except RuntimeError:
        log.warning(
            "threads=%d comes too late: TensorFlow already runs in this process; restart it to change that", count
        )


def compile_on_gpu(function: T) -> T:
    """Compile a function and its gradient with XLA on GPUs, for each shape of its arguments; return it as is on CPUs.

    On CPUs XLA takes 2.6 times as long as oneDNN for SqueezeNet's gradient.
    """
    if not has_xla():
        return function
    compiled: T = tf.function(function, autograph=False, jit_compile=True)
    return compiled


@functools.cache
def has_xla() -> bool:
    """Whether there is a GPU, and XLA finds all that it needs to compile for it."""
    if not tf.config.list_physical_devices("GPU"):
        return False
    try:
        tf.function(lambda number: number + 1.0, jit_compile=True)(tf.constant(0.0))
    except tf.errors.OpError as error:
        log.info("XLA cannot compile here (%s); networks run without it", str(error.message).partition("\n")[0])
        return False
    return True
