"""Imports TensorFlow quietly, for all modules of this package.

The import takes seconds, so other packages import this one only once there is a picture to dream.
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
def _held_back_stderr() -> Iterator[None]:
    """Hold back what native code writes to stderr; let it through if the block fails.

    TensorFlow logs a few lines during its import that no setting silences (its issue 100442). Nothing is held back
    if the environment asks for TensorFlow's log; 3 is the level that this process sets, and its children inherit.
    """
    if os.environ.get("TF_CPP_MIN_LOG_LEVEL", "3") != "3":
        yield
        return
    # TensorFlow's native side reads this once, at its import.
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
def _hidden(module: str) -> Iterator[None]:
    """Hide a module, unless it is imported already.

    Keras imports matplotlib for its galleries if it is there, which takes a sixth of the time of its import.
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
with _held_back_stderr(), _hidden("matplotlib"):
    import keras
    import tensorflow as tf

tf.get_logger().setLevel("ERROR")
# Of Grappler's rewrites, keep only the one that fuses a convolution with its bias and ReLU: the others differ from
# trace to trace, which changes the last bits of a dream, and on the CPU they nearly double the time of SqueezeNet's
# gradient.
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
    """Turn a function into one graph, traced at its first call.

    AutoGraph is off: nothing in this package branches on tensors in plain Python, and rewriting all of its code takes
    as long as the tracing itself.

    Args:
        function: Takes and returns tensors.
        signature: Shapes and types of its arguments; one graph serves all of them.
    """
    made: Callable[..., Any] = tf.function(function, signature, autograph=False)
    return made


def use_threads(count: int | None) -> None:
    """Limit the processor threads of TensorFlow in this process.

    This works only before TensorFlow's first operation; after that the first choice stays, with a warning.

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
            "threads=%d comes too late: TensorFlow already runs in this process; restart it to change the number", count
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
