// SPDX-License-Identifier: Apache-2.0
// The directory of one run: <state>/runs/<run_id>/ with its lock and its FIFOs. It is made before
// anything in containerd and removed after everything, and all names in containerd, the cgroups and
// here are the run id; so whatever a killed client leaves can be found by the directories whose
// lock is free.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/unique_fd.h"

namespace vortex::sandbox {

class RunDir {
 public:
  // Makes the directory (mode 0711) and holds flock(2) on its lock until destroyed.
  static absl::StatusOr<RunDir> Create(const std::string& state_dir, const std::string& run_id);
  // Takes over the directory of a run whose owner is gone. NotFound: no such run; Unavailable: the
  // owner lives.
  static absl::StatusOr<RunDir> Adopt(const std::string& state_dir, const std::string& run_id);
  // The ids of all run directories, sorted. A missing state directory has none.
  static absl::StatusOr<std::vector<std::string>> List(const std::string& state_dir);
  // Where the shim leaves its report, in the run directory `path`.
  static std::string ReportPath(const std::string& path) { return path + "/report"; }
  static std::string PathOf(const std::string& state_dir, const std::string& run_id);
  // Whether a live process holds the run.
  static bool HasOwner(const std::string& state_dir, const std::string& run_id);

  RunDir(RunDir&&) = default;
  RunDir& operator=(RunDir&&) = default;

  const std::string& path() const { return path_; }
  std::string stdin_path() const { return path_ + "/stdin"; }
  std::string stdout_path() const { return path_ + "/stdout"; }
  std::string stderr_path() const { return path_ + "/stderr"; }

  std::string report_path() const { return ReportPath(path_); }

  // Creates the three FIFOs (mode 0600).
  absl::Status MakeFifos() const;
  // Removes the directory; the lock is held until then, so nobody adopts it half-removed.
  absl::Status Remove();

 private:
  RunDir(std::string path, base::UniqueFd lock) : path_(std::move(path)), lock_(std::move(lock)) {}

  std::string path_;
  base::UniqueFd lock_;
};

}  // namespace vortex::sandbox
