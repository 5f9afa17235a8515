// SPDX-License-Identifier: Apache-2.0
#include "unit/client/fake_containerd.h"

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>

namespace vortex::testing {

namespace api_images = containerd::services::images::v1;
namespace api_leases = containerd::services::leases::v1;
namespace api_tasks = containerd::services::tasks::v1;
namespace api_version = containerd::services::version::v1;

namespace {

grpc::Status Answer(const FakeContainerd::Behaviour& behaviour, grpc::ServerContext& context) {
  return behaviour ? behaviour(context) : grpc::Status::OK;
}

std::string Metadata(const grpc::ServerContext& context, const char* key) {
  const auto found = context.client_metadata().find(key);
  if (found == context.client_metadata().end()) return "";
  return {found->second.data(), found->second.size()};
}

}  // namespace

struct FakeContainerd::Services {
  explicit Services(FakeContainerd& owner) : images_(owner), leases_(owner), tasks_(owner) {}

  struct VersionService : api_version::Version::Service {
    grpc::Status Version(grpc::ServerContext*, const google::protobuf::Empty*,
                         api_version::VersionResponse* response) override {
      response->set_version("fake");
      return grpc::Status::OK;
    }
  };
  struct Images : api_images::Images::Service {
    explicit Images(FakeContainerd& fake) : owner(fake) {}
    grpc::Status List(grpc::ServerContext* context, const api_images::ListImagesRequest*,
                      api_images::ListImagesResponse* response) override {
      ++owner.image_lists;
      owner.seen_namespace = Metadata(*context, "containerd-namespace");
      owner.seen_lease = Metadata(*context, "containerd-lease");
      auto& image = *response->add_images();
      image.set_name("an-image");
      (*image.mutable_labels())["big"] = std::string(owner.image_label_bytes, 'x');
      return Answer(owner.on_image_list, *context);
    }
    grpc::Status Create(grpc::ServerContext* context, const api_images::CreateImageRequest*,
                        api_images::CreateImageResponse*) override {
      ++owner.image_creates;
      return Answer(owner.on_image_create, *context);
    }
    FakeContainerd& owner;
  };
  struct Leases : api_leases::Leases::Service {
    explicit Leases(FakeContainerd& fake) : owner(fake) {}
    grpc::Status Create(grpc::ServerContext* context, const api_leases::CreateRequest*,
                        api_leases::CreateResponse*) override {
      return Answer(owner.on_lease_create, *context);
    }
    FakeContainerd& owner;
  };
  struct Tasks : api_tasks::Tasks::Service {
    explicit Tasks(FakeContainerd& fake) : owner(fake) {}
    grpc::Status Wait(grpc::ServerContext* context, const api_tasks::WaitRequest*,
                      api_tasks::WaitResponse* response) override {
      response->set_exit_status(9);
      return Answer(owner.on_wait, *context);
    }
    FakeContainerd& owner;
  };

  VersionService version_;
  Images images_;
  Leases leases_;
  Tasks tasks_;
};

FakeContainerd::FakeContainerd() : services_(std::make_unique<Services>(*this)) {
  char name[] = "/tmp/vortex-fake-XXXXXX";
  if (::mkdtemp(name) == nullptr) ::abort();
  dir_ = name;
  // Characters that mean something in a URI must not.
  address_ = dir_ + "/a%20#b?.sock";
  Start();
}

FakeContainerd::~FakeContainerd() {
  Stop();
  std::error_code error;
  std::filesystem::remove_all(dir_, error);
}

void FakeContainerd::Start() {
  grpc::ServerBuilder builder;
  builder.AddListeningPort("unix:" + dir_ + "/a%2520%23b%3F.sock",
                           grpc::InsecureServerCredentials());
  builder.SetMaxSendMessageSize(-1);
  builder.RegisterService(&services_->version_);
  builder.RegisterService(&services_->images_);
  builder.RegisterService(&services_->leases_);
  builder.RegisterService(&services_->tasks_);
  server_ = builder.BuildAndStart();
  if (server_ == nullptr) ::abort();
}

void FakeContainerd::Stop() {
  if (server_ == nullptr) return;
  server_->Shutdown(std::chrono::system_clock::now());
  server_->Wait();
  server_.reset();
}

}  // namespace vortex::testing
