// SPDX-License-Identifier: Apache-2.0
// Which failed attempts on files are denials, and which are what interpreters do all day. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace vortex::sandbox {

// `path` made absolute by `cwd`, "." and ".." and double slashes taken out as text. For observers
// that cannot ask the file system.
std::string CleanPath(std::string_view cwd, std::string_view path);

bool IsBelow(std::string_view path, std::string_view directory);

// A file that is not there is a denial when its place is outside of all that the sandbox is made
// of: the image's programs and libraries, the bundle, /tmp, /proc, directories of /dev and granted
// mounts. Inside, looking for files that may not be there is how imports and libraries work.
//   path  absolute, as the kernel resolved it up to the part that is missing
bool MissingFileIsDenial(std::string_view path, const std::vector<std::string>& granted_mounts);

// A node that is not there is a device that nobody granted.
bool IsDevice(std::string_view path);

// A refused write is none when it is the interpreter that keeps its compiled modules
// (__pycache__).
bool RefusedWriteIsDenial(std::string_view path);

// A program that is not there: outside of the bundle and /tmp, whose absence is the plugin's own
// mistake.
bool MissingProgramIsDenial(std::string_view path);

// Places that belong to the plugin: what fails there is its own doing.
bool IsPluginsOwn(std::string_view path);

}  // namespace vortex::sandbox
