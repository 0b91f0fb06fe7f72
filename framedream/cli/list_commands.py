"""Commands that list presets, networks, layers and devices."""

from __future__ import annotations

from framedream.cli.app import app
from framedream.cli.terminal import format_gigabytes, print_table, show_log
from framedream.config.model_registry import DEFAULT_MODEL, MODELS, find_model
from framedream.config.settings import RunSettings


@app.command(sort_key=11)
def presets() -> None:
    """List the looks that come with framedream."""
    from framedream.config.presets import preset_names, read_preset

    print_table([(name, str(read_preset(name).get("description", ""))) for name in preset_names()])


@app.command(sort_key=12)
def models() -> None:
    """List the networks that can dream; * marks recommended ones."""
    rows = [("", "model", "weights", "default layers")]
    for entry in MODELS.values():
        size = "built in" if entry.is_built_in else f"{entry.parameters * 4:.0f} MB"
        rows.append(("*" if entry.is_recommended else "", entry.name, size, entry.default_layers))
    print_table(rows)


@app.command(sort_key=13)
def layers(model: str = DEFAULT_MODEL, /) -> None:
    """List the layers of a network that have feature maps; * marks its default layers.

    Args:
        model: A network of `models`.
    """
    name = find_model(model).name
    from framedream.nn.network.layers import describe_layers

    rows = [("", "index", "layer", "kind", "pixels per cell", "channels")]
    for layer in describe_layers(name):
        start, numbers = "*" if layer.is_default else "", (str(layer.stride), str(layer.channels))
        rows.append((start, str(layer.index), layer.name, layer.kind, *numbers))
    print_table(rows)


@app.command(sort_key=14)
def devices() -> None:
    """List the devices, those that --devices auto uses for a long film, and the GPU encoders that work."""
    from framedream.config.machine import processor_name, total_memory, usable_cores
    from framedream.media.write.codecs import working_hardware_encoders
    from framedream.workers.devices import describe, select_devices
    from framedream.workers.gpu_discovery import find_gpus

    show_log(quiet=False)
    cores, memory = usable_cores(), total_memory()
    rows = [("cpu", processor_name(), format_gigabytes(memory), "1 core" if cores == 1 else f"{cores} cores")]
    rows += [(f"gpu:{number}", gpu.name, format_gigabytes(gpu.memory), "") for number, gpu in enumerate(find_gpus())]
    print_table(rows)
    print(f"auto uses: {describe(select_devices(RunSettings()))}")
    print(f"hardware encoders (--codec): {', '.join(working_hardware_encoders()) or 'none'}")
