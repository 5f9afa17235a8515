// SPDX-License-Identifier: Apache-2.0
// The fields of an OCI runtime spec, for schema.cc alone.
#pragma once

namespace vortex::review {

// One field a line. Indentation is depth. Types: o object, m object with free keys, a array, s
// string, i integer, b bool. The element of an array is "[]", the value of a free key "*".
//   Source  opencontainers/runtime-spec, schema/*.json
extern const char kSchema[];

}  // namespace vortex::review
