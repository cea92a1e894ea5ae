// What writers of files share: names of their own beside a target, and what is said when writing fails.
#pragma once

#include <filesystem>

namespace halftone {

// Throws what the error number of a system call means for who wants `target` written.
[[noreturn]] void fail_to_write(const std::filesystem::path &target, int error);

// A name no other writer uses: the folder is shared with other processes, the process with other threads. It does not
// contain the target's name, which may already be as long as a name can be.
std::filesystem::path temporary_name(const std::filesystem::path &target);

// What is replaced when `target` is written: the file that a link leads to, not the link. The target itself where a
// link leads to nothing that has a name: one to a missing file, /dev/stdout on a pipe.
std::filesystem::path file_behind(std::filesystem::path target);

// Makes renames in the folder durable, where that is possible.
void sync_folder(const std::filesystem::path &folder);

}  // namespace halftone
