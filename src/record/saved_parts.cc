// SPDX-License-Identifier: MIT
#include "record/saved_parts.h"

#include <span>
#include <utility>

#include "record/stream.h"

namespace fsherald {

void AddIdentity(ByteWriter& out, const FilesystemInfo& info) {
  out.AddString(info.type);
  out.AddString(info.device);
  out.AddOptional(info.dev);
  out.AddOptional(info.uuid);
  out.AddOptional(info.fsid);
}

FilesystemInfo GetIdentity(CheckedReader& in) {
  FilesystemInfo info;
  info.type = in.GetString();
  info.device = in.GetString();
  info.dev = in.GetOptional<DeviceNumber>();
  info.uuid = in.GetOptional<Uuid>();
  info.fsid = in.GetOptional<Fsid>();
  return info;
}

void AddNotifications(ByteWriter& out, const std::vector<Notification>& notifications, const Host& host) {
  std::string bytes;
  out.AddList(notifications, [&](const Notification& notification) {
    bytes.clear();
    AppendStream(notification, host, bytes);
    out.AddString(bytes);
  });
}

std::vector<Notification> GetNotifications(CheckedReader& in) {
  std::vector<Notification> notifications;
  in.GetList([&] {
    const std::string bytes = in.GetString();
    auto parsed = ParseStream(std::as_bytes(std::span(bytes)));
    if (parsed) notifications.push_back(std::move(parsed->notification));
    else in.Fail();
  });
  return notifications;
}

}  // namespace fsherald
