// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pybind11/pybind11.h>

#include <cstddef>
#include <string>

namespace vortex::python {

// The object as compact JSON (RFC 8259) in UTF-8. Strict: dict with str keys, list, tuple, str,
// int, float, bool, None, and what derives from them.
//   Throws  ValueError with the place first: "payload.items[3].when: datetime.datetime is not a
//           JSON type", "…: NaN is not JSON", "…: a lone surrogate at index 2"; nesting deeper than
//           `max_depth`; more than `max_bytes`
std::string EncodeJson(pybind11::handle object, const std::string& name, std::size_t max_depth,
                       std::size_t max_bytes);

}  // namespace vortex::python
