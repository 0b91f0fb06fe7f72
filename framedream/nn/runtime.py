"""TensorFlow, imported quietly: every module of this room takes it from here.

Importing it takes seconds, so nothing outside ``framedream.nn`` imports this room before
there is a picture to dream.
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any


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

__all__ = ["keras", "tf", "traced_graph", "use_threads"]


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
        logging.getLogger(__name__).warning(
            "threads=%d comes too late: TensorFlow already runs in this process; restart it to change that", count
        )
