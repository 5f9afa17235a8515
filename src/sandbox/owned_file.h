// SPDX-License-Identifier: Apache-2.0
// Files by which the operator says what may run: the policy, the class table. Whoever can change
// one decides what runs on the node, or which program runs as root, so they are read only when
// nobody else can.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace vortex::sandbox {

// The whole content. Opened once and judged by fstat(2) on that descriptor; the last component is
// never followed when it is a symbolic link, directories on the way may be links. Thread-safe.
//   FailedPrecondition  somebody else could have written it: path, mode, owner, what would be right
//   OutOfRange          more than `limit` bytes
//   errno's own         it cannot be opened or read (GetErrno: ENOENT when there is none)
absl::StatusOr<std::string> ReadOperatorFile(const std::string& path, std::size_t limit);

// The judgement alone, for `vortexctl policy check`, which reads anybody's file.
absl::Status CheckOperatorFile(const std::string& path);

// The rule behind both, pure: a regular file; file and directory owned by one of `owners`; the file
// not writable by group or others, nor the directory, unless it is sticky. An access list that lets
// another user write shows in the group's bits (acl(5)).
absl::Status JudgeOperatorFile(const std::string& path, const struct stat& file,
                               const struct stat& directory, const std::vector<uid_t>& owners);

// Root, the effective user, and for root who called sudo(8) (SUDO_UID).
std::vector<uid_t> OperatorFileOwners();

}  // namespace vortex::sandbox
