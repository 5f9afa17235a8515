// SPDX-License-Identifier: Apache-2.0
// The lease of one import, and what becomes of the half-done work when the import does not end
// well.
//
// Each import has a lease of its own: with a shared one, the first of two clients to finish would
// take away what protects the other's. An import that was cut short hands its blobs and ingests to
// a second lease whose name follows from the image, so that the next try finds them; that one goes
// when a try succeeds, or by itself after an hour.
//   Source  containerd docs/garbage-collection.md
#pragma once

#include <chrono>
#include <string>

#include "absl/status/statusor.h"
#include "client/client.h"

namespace vortex::client::importing {

class ImportLease {
 public:
  static constexpr std::chrono::seconds kLifetime{3600};

  // `key` names what is imported (letters and digits); empty: nothing will be kept for a resume.
  static absl::StatusOr<ImportLease> Begin(Client& client, const std::string& key,
                                           base::Cancellation* cancel);
  ImportLease(ImportLease&& other) noexcept;
  ImportLease& operator=(ImportLease&&) = delete;
  // Abandons, unless one of the three below was called.
  ~ImportLease();

  const std::string& id() const { return id_; }

  // The image record holds everything now.
  void Finish();
  // The import may go on later: its work is kept for an hour.
  void KeepForResume();
  // The work is of no use: removed at once, by a garbage collection that this waits for.
  void Abandon();

 private:
  ImportLease(Client& client, std::string id, std::string key)
      : client_(&client), id_(std::move(id)), key_(std::move(key)) {}

  Client* client_;
  std::string id_;  // empty once the lease is not ours any more
  std::string key_;
};

}  // namespace vortex::client::importing
