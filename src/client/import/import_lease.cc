// SPDX-License-Identifier: Apache-2.0
#include "client/import/import_lease.h"

#include <utility>
#include <vector>

#include "base/files.h"
#include "base/status.h"

namespace vortex::client::importing {
namespace {

// Clean-up is not cancelled by what cancelled the import.
const CallOptions kCleanUp{.timeout = std::chrono::seconds(10), .lease = "", .cancel = nullptr};

std::string ResumeId(const std::string& key) { return "vortex-import-resume-" + key; }

}  // namespace

absl::StatusOr<ImportLease> ImportLease::Begin(Client& client, const std::string& key,
                                               base::Cancellation* cancel) {
  const Labels labels{{"containerd.io/gc.expire", LeaseExpiry(kLifetime)}};
  VX_ASSIGN_OR_RETURN(const Lease lease,
                      client.leases().Create("vortex-import-" + base::RandomHex(8), labels,
                                             {.lease = "", .cancel = cancel}));
  return ImportLease(client, lease.id, key);
}

ImportLease::ImportLease(ImportLease&& other) noexcept
    : client_(other.client_), id_(std::exchange(other.id_, "")), key_(std::move(other.key_)) {}

ImportLease::~ImportLease() {
  if (!id_.empty()) Abandon();
}

void ImportLease::Finish() {
  // A failed delete leaves a lease that expires within the hour: nothing to report.
  (void)client_->leases().Delete(std::exchange(id_, ""), false, kCleanUp);
  if (!key_.empty()) (void)client_->leases().Delete(ResumeId(key_), false, kCleanUp);
}

void ImportLease::KeepForResume() {
  const std::string own = std::exchange(id_, "");
  if (key_.empty()) {
    (void)client_->leases().Delete(own, true, kCleanUp);
    return;
  }
  const Labels labels{{"containerd.io/gc.expire", LeaseExpiry(kLifetime)}};
  const auto kept = client_->leases().Create(ResumeId(key_), labels, kCleanUp);
  if (!kept.ok() && !absl::IsAlreadyExists(kept.status())) return;  // then our own lease keeps it
  const auto resources = client_->leases().ListResources(own, kCleanUp);
  if (!resources.ok()) return;
  for (const LeaseResource& resource : *resources) {
    const absl::Status added = client_->leases().AddResource(ResumeId(key_), resource, kCleanUp);
    if (!added.ok()) return;
  }
  (void)client_->leases().Delete(own, false, kCleanUp);
}

void ImportLease::Abandon() {
  const std::string own = std::exchange(id_, "");
  if (!key_.empty()) (void)client_->leases().Delete(ResumeId(key_), false, kCleanUp);
  (void)client_->leases().Delete(own, true, {.timeout = std::chrono::seconds(60), .lease = ""});
}

}  // namespace vortex::client::importing
