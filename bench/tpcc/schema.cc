#include "bench/tpcc/schema.h"

namespace quorate::bench {

std::vector<std::string> create_table_statements() {
  return {
      "CREATE TABLE warehouse ("
      "w_id int NOT NULL, w_name varchar(10), w_street_1 varchar(20), w_street_2 varchar(20), "
      "w_city varchar(20), w_state char(2), w_zip char(9), w_tax numeric(4,4), w_ytd "
      "numeric(12,2), "
      "PRIMARY KEY (w_id))",
      "CREATE TABLE district ("
      "d_w_id int NOT NULL, d_id int NOT NULL, d_name varchar(10), d_street_1 varchar(20), "
      "d_street_2 varchar(20), d_city varchar(20), d_state char(2), d_zip char(9), d_tax "
      "numeric(4,4), "
      "d_ytd numeric(12,2), d_next_o_id int, PRIMARY KEY (d_w_id, d_id))",
      "CREATE TABLE customer ("
      "c_w_id int NOT NULL, c_d_id int NOT NULL, c_id int NOT NULL, c_first varchar(16), "
      "c_middle char(2), c_last varchar(16), c_street_1 varchar(20), c_street_2 varchar(20), "
      "c_city varchar(20), c_state char(2), c_zip char(9), c_phone char(16), c_since timestamp, "
      "c_credit char(2), c_credit_lim numeric(12,2), c_discount numeric(4,4), c_balance "
      "numeric(12,2), "
      "c_ytd_payment numeric(12,2), c_payment_cnt int, c_delivery_cnt int, c_data varchar(500), "
      "PRIMARY KEY (c_w_id, c_d_id, c_id))",
      "CREATE TABLE history ("
      "h_c_id int, h_c_d_id int, h_c_w_id int, h_d_id int, h_w_id int, h_date timestamp, "
      "h_amount numeric(6,2), h_data varchar(24))",
      "CREATE TABLE orders ("
      "o_w_id int NOT NULL, o_d_id int NOT NULL, o_id int NOT NULL, o_c_id int, o_entry_d "
      "timestamp, "
      "o_carrier_id int, o_ol_cnt int, o_all_local int, PRIMARY KEY (o_w_id, o_d_id, o_id))",
      "CREATE TABLE new_order ("
      "no_w_id int NOT NULL, no_d_id int NOT NULL, no_o_id int NOT NULL, "
      "PRIMARY KEY (no_w_id, no_d_id, no_o_id))",
      "CREATE TABLE item ("
      "i_id int NOT NULL, i_im_id int, i_name varchar(24), i_price numeric(5,2), i_data "
      "varchar(50), "
      "PRIMARY KEY (i_id))",
      "CREATE TABLE stock ("
      "s_w_id int NOT NULL, s_i_id int NOT NULL, s_quantity int, s_dist_01 char(24), s_dist_02 "
      "char(24), "
      "s_dist_03 char(24), s_dist_04 char(24), s_dist_05 char(24), s_dist_06 char(24), s_dist_07 "
      "char(24), "
      "s_dist_08 char(24), s_dist_09 char(24), s_dist_10 char(24), s_ytd int, s_order_cnt int, "
      "s_remote_cnt int, s_data varchar(50), PRIMARY KEY (s_w_id, s_i_id))",
      "CREATE TABLE order_line ("
      "ol_w_id int NOT NULL, ol_d_id int NOT NULL, ol_o_id int NOT NULL, ol_number int NOT NULL, "
      "ol_i_id int, ol_supply_w_id int, ol_delivery_d timestamp, ol_quantity int, ol_amount "
      "numeric(6,2), "
      "ol_dist_info char(24), PRIMARY KEY (ol_w_id, ol_d_id, ol_o_id, ol_number))",
  };
}

std::vector<std::string> create_index_statements() {
  return {
      "CREATE INDEX customer_by_name ON customer (c_w_id, c_d_id, c_last, c_first)",
      "CREATE INDEX orders_by_customer ON orders (o_w_id, o_d_id, o_c_id, o_id)",
  };
}

std::vector<std::string> foreign_key_statements() {
  auto add = [](const char* table, const char* columns, const char* parent, const char* key) {
    return std::string("ALTER TABLE ") + table + " ADD FOREIGN KEY (" + columns + ") REFERENCES " +
           parent + " (" + key + ")";
  };
  return {
      add("district", "d_w_id", "warehouse", "w_id"),
      add("customer", "c_w_id, c_d_id", "district", "d_w_id, d_id"),
      add("history", "h_c_w_id, h_c_d_id, h_c_id", "customer", "c_w_id, c_d_id, c_id"),
      add("history", "h_w_id, h_d_id", "district", "d_w_id, d_id"),
      add("orders", "o_w_id, o_d_id, o_c_id", "customer", "c_w_id, c_d_id, c_id"),
      add("new_order", "no_w_id, no_d_id, no_o_id", "orders", "o_w_id, o_d_id, o_id"),
      add("stock", "s_w_id", "warehouse", "w_id"),
      add("stock", "s_i_id", "item", "i_id"),
      add("order_line", "ol_w_id, ol_d_id, ol_o_id", "orders", "o_w_id, o_d_id, o_id"),
      add("order_line", "ol_supply_w_id, ol_i_id", "stock", "s_w_id, s_i_id"),
  };
}

std::vector<std::string> split_statements(int64_t warehouses) {
  std::vector<std::string> out;
  if (warehouses < 2) return out;
  std::string at = " SPLIT AT VALUES (2)";
  for (int64_t w = 3; w <= warehouses; ++w) at += ", (" + std::to_string(w) + ")";
  for (const char* table :
       {"warehouse", "district", "customer", "orders", "new_order", "stock", "order_line"})
    out.push_back("ALTER TABLE " + std::string(table) + at);
  for (const char* index : {"customer_by_name", "orders_by_customer"})
    out.push_back("ALTER INDEX " + std::string(index) + at);
  return out;
}

std::vector<std::string> drop_table_statements() {
  std::vector<std::string> drops;
  for (const char* table : {"order_line", "stock", "item", "new_order", "orders", "history",
                            "customer", "district", "warehouse"}) {
    drops.push_back(std::string("DROP TABLE IF EXISTS ") + table);
  }
  return drops;
}

}  // namespace quorate::bench
