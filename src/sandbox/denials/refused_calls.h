// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "sandbox/denials/attempt.h"

struct seccomp_data;

namespace vortex::sandbox {

// A call that is refused by its number and its register arguments alone, whatever memory holds:
// what the seccomp profile refuses. The errno is the profile's.
Attempt RefusedCall(const seccomp_data& call);

// "ptrace" for 101; "syscall 999" for one without a name here.
std::string SyscallName(int number);

// "AF_NETLINK"; "family 99".
std::string FamilyName(int family);

}  // namespace vortex::sandbox
