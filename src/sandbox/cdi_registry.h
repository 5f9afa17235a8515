// SPDX-License-Identifier: Apache-2.0
// The CDI devices of this node: all files of the CDI directories, read anew for each use, since
// generators replace them (drivers change, GPUs come and go).
//
//   const CdiRegistry registry = CdiRegistry::Read({"/etc/cdi", "/var/run/cdi"});
//   VX_ASSIGN_OR_RETURN(const oci::CdiEdits edits, registry.Resolve({"nvidia.com/gpu=0"}));
//
//   Source  CDI specification 1.0.0; precedence and conflicts as its own Go package has them
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "oci/cdi_edits.h"
#include "sandbox/cdi_spec.h"

namespace vortex::sandbox {

struct CdiDevice {
  std::string where;        // "/etc/cdi/nvidia.yaml:4"
  std::string file;         // "/etc/cdi/nvidia.yaml"
  std::string file_digest;  // "sha256:…" of its bytes
  std::shared_ptr<const CdiSpec> spec;
  std::size_t index = 0;  // among the devices of its file
};

class CdiRegistry {
 public:
  // Never fails: a directory that is not there has no devices; what is wrong with the rest is in
  // problems(). Only files directly in a directory, whose names end in .json or .yaml, no links,
  // writable by nobody but root.
  static CdiRegistry Read(const std::vector<std::string>& directories);

  // By qualified name. A device that two files of one directory define is in none.
  const std::map<std::string, CdiDevice>& devices() const { return devices_; }
  const CdiDevice* Find(const std::string& name) const;
  // "/etc/cdi/nvidia.yaml:3:1: kind: …"; what they say is then not in devices().
  const std::vector<std::string>& problems() const { return problems_; }

  // The edits of these devices in their order, each file's common ones once, before those of its
  // first device; with what the host has at their paths.
  //   FailedPrecondition  names the one that this node does not have, what it has instead, and the
  //                       files that could not be used
  absl::StatusOr<oci::CdiEdits> Resolve(const std::vector<std::string>& names) const;

 private:
  struct Layer;  // one directory
  void ReadDirectory(const std::string& directory);
  absl::Status ReadSpecFile(int directory, const std::string& path, const std::string& name,
                            Layer& layer);

  std::map<std::string, CdiDevice> devices_;
  std::vector<std::string> problems_;
  std::vector<std::string> directories_;
};

}  // namespace vortex::sandbox
