// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "oci/spec.h"

namespace vortex::oci {

// Keys sorted, no white space, fields without a value left out: the same spec gives the same bytes.
// The form of RFC 8785 for what a spec holds (strings, integers, booleans). All strings must be
// valid UTF-8.
std::string ToCanonicalJson(const Spec& spec);
// The same with line breaks and two spaces, for people.
std::string ToPrettyJson(const Spec& spec);
// "sha256:…" of the canonical form.
std::string SpecDigest(const Spec& spec);

}  // namespace vortex::oci
