#include <doctest/doctest.h>

#include "core/cli/html.h"

namespace halftone::cli {

TEST_CASE("what has a meaning in HTML is escaped, other text stays") {
  CHECK(html_text("a<b>&\"c'") == "a&lt;b&gt;&amp;&quot;c&#39;");
  CHECK(html_text("caf\xC3\xA9 \xE4\xB8\xAD \xF0\x9F\x98\x80") == "caf\xC3\xA9 \xE4\xB8\xAD \xF0\x9F\x98\x80");
  CHECK(html_text("two\nlines\tand") == "two\nlines\tand");
}

TEST_CASE("bytes that are no UTF-8 and control characters are replaced, one by one") {
  const std::string mark = "\xEF\xBF\xBD";
  CHECK(html_text(std::string_view("a\0b", 3)) == "a" + mark + "b");
  CHECK(html_text("\x1B[0m\x7F") == mark + "[0m" + mark);
  CHECK(html_text("\xFF") == mark);
  CHECK(html_text("\xC0\xBC") == mark + mark);                        // '<' in two bytes
  CHECK(html_text("\xE0\x80\xBC") == mark + mark + mark);             // and in three
  CHECK(html_text("\xED\xA0\x80") == mark + mark + mark);             // half of a surrogate pair
  CHECK(html_text("\xF4\x90\x80\x80") == mark + mark + mark + mark);  // beyond Unicode
  CHECK(html_text("\xE4\xB8") == mark + mark);                        // cut off
  CHECK(html_text("\xC3<") == mark + "&lt;");                         // the next character is none of it
}

TEST_CASE("a table has a header, and columns of numbers are marked") {
  Table table({"name", "count"});
  table.add({"<x>", "12"});
  CHECK(html_table(table) ==
        "<table>\n<tr><th>name</th><th class=\"n\">count</th></tr>\n"
        "<tr><td>&lt;x&gt;</td><td class=\"n\">12</td></tr>\n</table>\n");
}

}  // namespace halftone::cli
