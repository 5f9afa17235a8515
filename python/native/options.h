// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pybind11/pybind11.h>

#include "absl/status/status.h"
#include "policy/manifest.h"
#include "sandbox/embedded_runner.h"
#include "sandbox/runner.h"

namespace vortex::python {

// A dict of texts by the names of EmbeddedRunner's keywords, but `policy`, which is a
// policy::Policy; what is not given has its default. Reads the class table.
// Throws KeyError for a name that is not one, and what ThrowIfError does.
sandbox::EmbeddedOptions MakeOptions(const pybind11::dict& fields);

// plugin, payload, budget_ms, runtime_class, limits {memory_bytes, millicpus, pids, tmp_bytes,
// output_bytes}.
sandbox::RunRequest MakeRequest(const pybind11::dict& fields);

// The manifest as a dict of plain values.
pybind11::dict ManifestDict(const policy::Manifest& manifest);

// Throws _native.Error(code, message) for a status that is not ok. Needs the GIL.
void ThrowIfError(const absl::Status& status);
// Makes _native.Error.
void DefineError(pybind11::module_& module);
// Makes _native.Policy and _native.load_policy.
void DefinePolicy(pybind11::module_& module);

}  // namespace vortex::python
