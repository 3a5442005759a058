#include "base/mark.h"

// The linker's names for the section's borders; null in a program without marks.
extern "C" {
[[gnu::weak]] extern quorate::Mark __start_quorate_marks;
[[gnu::weak]] extern quorate::Mark __stop_quorate_marks;
}

namespace quorate {

std::span<Mark> all_marks() {
  Mark* begin = &__start_quorate_marks;
  Mark* end = &__stop_quorate_marks;
  return {begin, end};
}

}  // namespace quorate
