# SPDX-License-Identifier: Apache-2.0
"""Message classes from the compiled definitions beside this file: no generated code, whose version would have to fit."""
import pathlib

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_pool = descriptor_pool.DescriptorPool()
_files = descriptor_pb2.FileDescriptorSet()
_files.ParseFromString((pathlib.Path(__file__).parent / "messages.pb").read_bytes())
for _file in _files.file:
    _pool.Add(_file) if hasattr(_pool, "Add") else _pool.AddSerializedFile(_file.SerializeToString())


def message(name):
    descriptor = _pool.FindMessageTypeByName(name)
    if hasattr(message_factory, "GetMessageClass"):
        return message_factory.GetMessageClass(descriptor)
    return message_factory.MessageFactory(_pool).GetPrototype(descriptor)


def parse(into, data):
    into.ParseFromString(data)
    return into


RunReport = message("vortex.v1.RunReport")
