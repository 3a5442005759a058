// A run as a page: an HTML file that needs nothing but a browser, with the log of its events as
// JSON in it. The page's own files stand beside this one (page.html, page.css, *.js) and are part
// of the program; page.html tells what the JSON holds.
#pragma once

#include <string>

#include "sim/timeline/event_log.h"

namespace quorate::sim {

// What the log does not know.
struct RunFacts {
  uint64_t seed = 0;
  std::string workload;
  std::string violation;  // empty: all is well
  std::string planted;
  std::string replay;  // the line that runs it again
  uint64_t trace_hash = 0;
  uint64_t committed = 0, failed = 0, unknown = 0;
};

std::string timeline_json(const EventLog& log, const RunFacts& facts);
std::string timeline_page(const std::string& json);

// Text as JSON, in quotes, and harmless within a script element: bytes that are no UTF-8 become the
// characters of their numbers.
std::string json_text(std::string_view text);

// The page with @DATA@ in its place for JSON: made from the files at build time.
extern const std::string_view kTimelinePage;

}  // namespace quorate::sim
