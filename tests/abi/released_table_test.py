"""What released_table.py must catch and what it must let pass, on a table of this test's own.

    released_table_test.py FOLDER_OF_THE_ABI
"""
import sys
import unittest

FOLDER = sys.argv.pop()
sys.path.insert(0, FOLDER)
from released_table import breaches  # noqa: E402

TABLE = """\
struct ht_inner 16
  0 4 struct_size: uint32_t
  4 4 reserved: uint32_t
  8 8 a: uint64_t
struct ht_service 40
  0 4 struct_size: uint32_t
  4 4 reserved: uint32_t
  8 8 first: ht_status (*)(ht_ctx *, uint32_t)
  16 8 second: ht_status (*)(ht_ctx *)
  24 16 inner: ht_inner
flat ht_pair 16
  0 8 data: const char *
  8 8 size: uint64_t
type ht_emit 8: ht_status (*)(void *)
symbol ht_register: ht_status (*)(const ht_plugin *)
number HT_ABI_MINOR 0
number HT_STALE 12
text HT_GRAPH_1 ht.graph/1
"""


class Released(unittest.TestCase):
    def changed(self, old, new):
        self.assertIn(old, TABLE)
        return breaches(TABLE, TABLE.replace(old, new, 1))

    def test_lets_additions_pass(self):
        self.assertEqual(breaches(TABLE, TABLE), [])
        self.assertEqual(self.changed("number HT_ABI_MINOR 0", "number HT_ABI_MINOR 3"), [])
        self.assertEqual(self.changed("number HT_STALE 12", "number HT_STALE 12\nnumber HT_NEWER 13"), [])
        appended = TABLE.replace("struct ht_service 40", "struct ht_service 48").replace(
            "  24 16 inner: ht_inner\n", "  24 16 inner: ht_inner\n  40 8 third: ht_status (*)(ht_ctx *)\n")
        self.assertEqual(breaches(TABLE, appended), [])

    def test_catches_an_insertion(self):
        self.assertIn("field 2 was", self.changed("  4 4 reserved: uint32_t\n  8 8 first", "  4 4 more: uint32_t\n  8 8 first")[0])
        moved = TABLE.replace("  16 8 second", "  16 8 new: uint64_t\n  24 8 second").replace("24 16 inner", "32 16 inner")
        self.assertIn("field 4 was '16 8 second", breaches(TABLE, moved)[0])

    def test_catches_fields_that_changed_places(self):
        swapped = TABLE.replace("8 8 first", "8 8 SECOND").replace("16 8 second", "16 8 first").replace("SECOND", "second")
        self.assertEqual(len(breaches(TABLE, swapped)), 1)

    def test_catches_a_changed_argument(self):
        self.assertIn("first: ht_status (*)(ht_ctx *, uint64_t)", self.changed("(ht_ctx *, uint32_t)", "(ht_ctx *, uint64_t)")[0])

    def test_catches_a_reserved_field_under_another_name(self):
        self.assertTrue(self.changed("  4 4 reserved: uint32_t", "  4 4 flags: uint32_t"))

    def test_catches_growth_where_none_is_allowed(self):
        inner = TABLE.replace("struct ht_inner 16", "struct ht_inner 24").replace("  8 8 a: uint64_t\n", "  8 8 a: uint64_t\n  16 8 b: uint64_t\n")
        self.assertIn("lies inside another struct", breaches(TABLE, inner)[0])
        self.assertIn("no size field", self.changed("flat ht_pair 16", "flat ht_pair 24")[0])

    def test_catches_what_is_gone_or_means_something_else(self):
        self.assertTrue(self.changed("number HT_STALE 12\n", ""))
        self.assertTrue(self.changed("number HT_STALE 12", "number HT_STALE 13"))
        self.assertTrue(self.changed("ht.graph/1", "ht.graph/2"))
        self.assertTrue(self.changed("type ht_emit 8: ht_status (*)(void *)", "type ht_emit 8: ht_status (*)(void *, int32_t)"))
        self.assertTrue(self.changed("struct ht_service 40", "struct ht_other 40"))
        self.assertTrue(self.changed("struct ht_service 40", "flat ht_service 40"))
        self.assertTrue(self.changed("  24 16 inner: ht_inner\n", ""))


if __name__ == "__main__":
    unittest.main()
