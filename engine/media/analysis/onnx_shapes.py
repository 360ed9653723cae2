"""Free the shapes of an ONNX model that was saved for one size of picture only.

The file is protocol buffers (onnx.proto3); only what states sizes is rewritten: the graph's inputs, its outputs and the notes
on values between. Weights and operations pass through byte for byte. A library for this (`onnx`) would be larger than all else
that analyses a picture.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from engine.kernel.errors import Unavailable

# Field numbers of onnx.proto3.
_GRAPH: Final = 7  # ModelProto.graph
_INPUT: Final = 11  # GraphProto.input
_OUTPUT: Final = 12  # GraphProto.output
_BETWEEN: Final = 13  # GraphProto.value_info
_LENGTH: Final = 2  # wire type: a length, then bytes
_FLOAT: Final = 1  # TensorProto.FLOAT


def freed(model: bytes, inputs: Mapping[str, Sequence[int | str]], outputs: Sequence[str]) -> bytes:
    """Return the model with inputs of the given shapes, and outputs of any.

    Args:
        model: an ONNX file.
        inputs: by name; a number is a fixed side, a word one that is free. Inputs that are not named are left out: older
            files list their weights there.
        outputs: names in order, all float32.

    Raises:
        Unavailable: `dependency_missing`: this is no such file.
    """
    try:
        return b"".join(
            _field(_GRAPH, _graph(body, inputs, outputs)) if number == _GRAPH else whole
            for number, body, whole in _fields(model)
        )
    except (IndexError, ValueError) as error:
        raise Unavailable("the model is no ONNX file that can be read") from error


def _graph(graph: bytes, inputs: Mapping[str, Sequence[int | str]], outputs: Sequence[str]) -> bytes:
    kept = [whole for number, _, whole in _fields(graph) if number not in (_INPUT, _OUTPUT, _BETWEEN)]
    kept += [_field(_INPUT, _value(name, shape)) for name, shape in inputs.items()]
    kept += [_field(_OUTPUT, _value(name, None)) for name in outputs]
    return b"".join(kept)


def _value(name: str, shape: Sequence[int | str] | None) -> bytes:
    """Return a ValueInfoProto: a name and a tensor type of float32."""
    tensor = b"\x08" + bytes([_FLOAT])
    if shape is not None:
        sides = b"".join(_field(1, _side(one)) for one in shape)
        tensor += _field(2, sides)
    return _field(1, name.encode()) + _field(2, _field(1, tensor))


def _side(side: int | str) -> bytes:
    return _field(2, side.encode()) if isinstance(side, str) else b"\x08" + _varint(side)


def _field(number: int, body: bytes) -> bytes:
    return _varint(number << 3 | _LENGTH) + _varint(len(body)) + body


def _fields(message: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield each field's number, its bytes where it has a length, and all of it."""
    place = 0
    while place < len(message):
        start = place
        key, place = _read_varint(message, place)
        body = b""
        match key & 7:
            case 0:
                _, place = _read_varint(message, place)
            case 1:
                place += 8
            case 2:
                length, place = _read_varint(message, place)
                body = message[place : place + length]
                place += length
            case 5:
                place += 4
            case other:
                raise ValueError(f"wire type {other}")
        if place > len(message):
            raise ValueError("cut off")
        yield key >> 3, body, message[start:place]


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _read_varint(message: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
        shift += 7
