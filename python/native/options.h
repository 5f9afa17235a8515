// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pybind11/pybind11.h>

#include "absl/status/status.h"
#include "policy/manifest.h"
#include "sandbox/embedded_runner.h"
#include "sandbox/runner.h"

namespace vortex::python {

// A dict of the fields that are given, by the names of sandbox::EmbeddedOptions, and
// `runtime_classes`: the path of a class table; `policy`: a tuple of text and file name;
// `audit_dir`, `audit_fsync`, `audit_on_full`, which stand unless the policy names a directory.
// Throws KeyError for a name that is not one, and what FromStatus makes of a class table that is
// wrong.
sandbox::EmbeddedOptions MakeOptions(const pybind11::dict& fields);

// plugin, payload, budget_ms, runtime_class, limits {memory_bytes, millicpus, pids, tmp_bytes,
// output_bytes}.
sandbox::RunRequest MakeRequest(const pybind11::dict& fields);

// digest, allow_untrusted, and the ids of the trust and allow entries. Throws what ThrowIfError
// does.
pybind11::dict PolicyDict(const std::string& text, const std::string& file);

// The manifest as a dict of plain values.
pybind11::dict ManifestDict(const policy::Manifest& manifest);

// Throws _native.Error(code, message) for a status that is not ok. Needs the GIL.
void ThrowIfError(const absl::Status& status);
// Makes _native.Error.
void DefineError(pybind11::module_& module);

}  // namespace vortex::python
