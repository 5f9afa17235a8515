// SPDX-License-Identifier: Apache-2.0
// Between the files of the diff only.
#pragma once

#include <vector>

#include "review/diff.h"

namespace vortex::review {

// Call by call, what two profiles let through; calls that change alike are one change.
void CompareCalls(const Node& a, const Node& b, std::vector<Change>& out);

}  // namespace vortex::review
