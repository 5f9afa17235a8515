// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "oci/spec.h"

namespace vortex::oci {

// Lines of a Markdown list: what spec has that base has not, what it lacks, what it has otherwise;
// by JSON path, list elements matched by content where the order has no meaning. "" when the two
// are equal.
std::string DescribeDifferences(const Spec& base, const Spec& spec);

}  // namespace vortex::oci
