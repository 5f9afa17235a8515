// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace vortex::shim {

// For a shim that has nothing to do: free heap goes back to the kernel, and the pages of the
// program itself are unmapped. Those stay in the page cache, where the next use finds them (a minor
// fault of 16 pages each) and where the kernel may reclaim them. A container waits far longer than
// it starts: the difference is half of what a lone shim holds.
//   Source  madvise(2), MADV_DONTNEED: a private mapping of a file is read from the file again.
[[gnu::hot]] void ReturnIdleMemory();

}  // namespace vortex::shim
