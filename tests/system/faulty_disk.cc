// SPDX-License-Identifier: MIT
#define FUSE_USE_VERSION 312
#include "faulty_disk.h"

#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "process.h"

namespace fsherald::system_test {
namespace {

constexpr fuse_ino_t kDisk = 2;
constexpr char kName[] = "disk";

}  // namespace

class FaultyDisk::Server {
 public:
  Server(const std::string& image, const std::string& directory) : directory_(directory) {
    image_.Reset(open(image.c_str(), O_RDWR | O_CLOEXEC));
    if (!image_) FailErrno("open " + image);
    std::filesystem::create_directories(directory);
    char name[] = "faulty_disk";
    char* arguments[] = {name, nullptr};
    fuse_args args{1, arguments, 0};
    session_ = fuse_session_new(&args, &kOperations, sizeof kOperations, this);
    fuse_opt_free_args(&args);
    if (session_ == nullptr) Fail("fuse_session_new failed");
    if (fuse_session_mount(session_, directory.c_str()) != 0) Fail("cannot mount a FUSE file system on " + directory);
    thread_ = std::thread([this] { fuse_session_loop(session_); });
  }

  ~Server() {
    // The kernel may still be closing the loop device's file: the session ends with the last request, not before.
    umount2(directory_.c_str(), MNT_DETACH);
    thread_.join();
    fuse_session_destroy(session_);
  }

  std::string path() const { return directory_ + "/" + kName; }

  void Break(Access access, uint64_t offset, uint64_t length) {
    const std::lock_guard lock(mutex_);
    faults_.push_back({access, offset, length});
  }
  void Vanish() {
    const std::lock_guard lock(mutex_);
    gone_ = true;
  }
  void Repair() {
    const std::lock_guard lock(mutex_);
    faults_.clear();
    gone_ = false;
  }

 private:
  struct Fault {
    Access access;
    uint64_t offset;
    uint64_t length;
  };

  bool Fails(Access access, off_t offset, size_t size) {
    const uint64_t begin = static_cast<uint64_t>(offset);
    const std::lock_guard lock(mutex_);
    if (gone_) return true;
    for (const Fault& fault : faults_) {
      if (fault.access == access && begin < fault.offset + fault.length && fault.offset < begin + size) return true;
    }
    return false;
  }

  static Server& Self(fuse_req_t request) { return *static_cast<Server*>(fuse_req_userdata(request)); }

  static struct stat Status(fuse_req_t request, fuse_ino_t inode) {
    struct stat status {};
    if (inode == kDisk) fstat(Self(request).image_.get(), &status);
    status.st_ino = inode;
    status.st_mode = inode == kDisk ? S_IFREG | 0600 : S_IFDIR | 0700;
    status.st_nlink = 1;
    return status;
  }

  static void Lookup(fuse_req_t request, fuse_ino_t, const char* name) {
    if (std::strcmp(name, kName) != 0) return static_cast<void>(fuse_reply_err(request, ENOENT));
    fuse_entry_param entry{};
    entry.ino = kDisk;
    entry.attr = Status(request, kDisk);
    fuse_reply_entry(request, &entry);
  }

  static void GetAttributes(fuse_req_t request, fuse_ino_t inode, fuse_file_info*) {
    const struct stat status = Status(request, inode);
    fuse_reply_attr(request, &status, 1.0);
  }

  static void SetAttributes(fuse_req_t request, fuse_ino_t inode, struct stat*, int, fuse_file_info* info) {
    GetAttributes(request, inode, info);  // only times are ever set
  }

  static void Open(fuse_req_t request, fuse_ino_t, fuse_file_info* info) {
    info->direct_io = 1;  // every access reaches us, nothing is cached before us
    fuse_reply_open(request, info);
  }

  static void Read(fuse_req_t request, fuse_ino_t, size_t size, off_t offset, fuse_file_info*) {
    Server& self = Self(request);
    std::vector<char> buffer(size);
    const ssize_t got =
        self.Fails(Access::kRead, offset, size) ? -1 : pread(self.image_.get(), buffer.data(), size, offset);
    if (got < 0) fuse_reply_err(request, EIO);
    else fuse_reply_buf(request, buffer.data(), static_cast<size_t>(got));
  }

  static void Write(fuse_req_t request, fuse_ino_t, const char* data, size_t size, off_t offset, fuse_file_info*) {
    Server& self = Self(request);
    const ssize_t put = self.Fails(Access::kWrite, offset, size) ? -1 : pwrite(self.image_.get(), data, size, offset);
    if (put < 0) fuse_reply_err(request, EIO);
    else fuse_reply_write(request, static_cast<size_t>(put));
  }

  bool IsGone() {
    const std::lock_guard lock(mutex_);
    return gone_;
  }

  static void Synchronize(fuse_req_t request, fuse_ino_t, int, fuse_file_info*) {
    fuse_reply_err(request, Self(request).IsGone() ? EIO : 0);
  }

  static constexpr fuse_lowlevel_ops MakeOperations() {
    fuse_lowlevel_ops operations{};
    operations.lookup = Lookup;
    operations.getattr = GetAttributes;
    operations.setattr = SetAttributes;
    operations.open = Open;
    operations.read = Read;
    operations.write = Write;
    operations.fsync = Synchronize;
    return operations;
  }
  static const fuse_lowlevel_ops kOperations;

  std::string directory_;
  Fd image_;
  fuse_session* session_ = nullptr;
  std::mutex mutex_;
  std::vector<Fault> faults_;
  bool gone_ = false;
  std::thread thread_;
};

const fuse_lowlevel_ops FaultyDisk::Server::kOperations = FaultyDisk::Server::MakeOperations();

FaultyDisk::FaultyDisk(const std::string& image, const std::string& directory)
    : server_(std::make_unique<Server>(image, directory)) {}
FaultyDisk::~FaultyDisk() = default;

std::string FaultyDisk::path() const { return server_->path(); }
void FaultyDisk::Break(Access access, uint64_t offset, uint64_t length) { server_->Break(access, offset, length); }
void FaultyDisk::Vanish() { server_->Vanish(); }
void FaultyDisk::Repair() { server_->Repair(); }

}  // namespace fsherald::system_test
