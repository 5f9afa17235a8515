// SPDX-License-Identifier: Apache-2.0
// The connection by which an OCI runtime hands over the descriptor of a seccomp filter.
//   Source  runtime-spec config-linux.md "The Container Process State"; runc 1.1, crun 1.8
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "base/unique_fd.h"

namespace vortex::sandbox {

// What the state document says, as far as we use it.
struct HandOverState {
  std::string metadata;
  std::string container_id;
  std::vector<std::string> fd_names;
  int pid = 0;
};

// InvalidArgument: not (yet) one whole JSON object. `complete` tells the two apart.
absl::StatusOr<HandOverState> ParseHandOver(std::string_view text);
bool IsWholeDocument(std::string_view text);

// One accepted connection. Its sender may keep it open for as long as the container lives (crun),
// so it is done when the document is, not at its end.
class HandOver {
 public:
  explicit HandOver(base::UniqueFd connection) : connection_(std::move(connection)) {}

  int fd() const { return connection_.get(); }

  // Reads what is there; non-blocking.
  //   True   done: take the descriptor.
  //   False  more has to come.
  //   Errors the connection is to be dropped: PermissionDenied, another than root or another run's;
  //          DataLoss, descriptors were lost or the document is none.
  absl::StatusOr<bool> Advance(const std::string& run_id, const std::string& metadata);

  base::UniqueFd TakeFd() { return std::move(filter_); }

 private:
  absl::Status Check(const std::string& run_id, const std::string& metadata);

  base::UniqueFd connection_;
  base::UniqueFd filter_;
  std::vector<base::UniqueFd> received_;
  std::string text_;
};

}  // namespace vortex::sandbox
