-- The types as text.
CREATE TABLE ty (
  k int PRIMARY KEY, b bool, i2 int2, i4 int4, i8 int8, f4 float4, f8 float8, n numeric, n2 numeric(10,3),
  t text, v varchar(5), c char(5), by bytea, d date, ti time, ts timestamp, tz timestamptz, iv interval, u uuid,
  ai int[], at text[]
);
INSERT INTO ty VALUES
 (1, true, -32768, -2147483648, -9223372036854775808, -1.5, 1e308, 123456789012345678901234567890.123456789, 1234567.8915,
  'text', 'vchar', 'ch', '\xdeadbeef', '0044-03-15 BC', '23:59:59.999999', '1999-12-31 23:59:59.5', '2024-02-29 12:00:00+02', '1 year 2 mons -3 days 04:05:06.789', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
  '{1,NULL,3}', '{a,"b c","d\"e",NULL,"NULL"}'),
 (2, false, 32767, 2147483647, 9223372036854775807, 'NaN', '-Infinity', 'NaN', -0.0005,
  '', '', '', '', 'infinity', '00:00', '-infinity', 'infinity', '-1 day', '00000000-0000-0000-0000-000000000000', '{}', '{{a,b},{c,d}}'),
 (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
SELECT * FROM ty ORDER BY k;
\x on
SELECT * FROM ty ORDER BY k;
\x off
\pset null 'NULL'
SELECT k, b, i2, c, by FROM ty ORDER BY k;
\pset null ''
SELECT k FROM ty WHERE c = 'ch ' AND v = 'vchar' AND u = 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11';
INSERT INTO ty (k, v) VALUES (4, 'toolong');
INSERT INTO ty (k, v) VALUES (4, 'five     ');
INSERT INTO ty (k, c) VALUES (5, 'toolong');
INSERT INTO ty (k, i2) VALUES (6, 40000);
INSERT INTO ty (k, n2) VALUES (6, 12345678);
INSERT INTO ty (k, f4) VALUES (6, 1e40);
INSERT INTO ty (k, d) VALUES (6, 'yesterday-ish');
INSERT INTO ty (k, iv) VALUES (6, 'many');
SELECT 10 / 4, 10 % 4, -10 / 4, -7 % 3, 10.0 / 4, 10 / 4.0, 2 ^ 10, 2.0 ^ 0.5, |/ 16.0, @ -5, 5 & 3, 5 | 3, 5 # 3, ~5, 1 << 4, 16 >> 2;
SELECT 0.1 + 0.2, 1.10 * 2, 1 / 3.0, 100000000000000000000 * 3, 1e10::numeric, round(2.5), round(-2.5), round(1234.567, 2), round(1234.567, -2), trunc(1.99), ceil(1.1), floor(-1.1), sign(-3.0), mod(7, 3), div(7, 2), power(2, 3), exp(1.0), ln(2.0), log(100), sqrt(2.0);
SELECT round(2.5::float8), round(3.5::float8), 1.0::float8, 1e20::float8, 1e-10::float8, 1.1::float4, 16777217::float4, 'infinity'::float8, -0.0::float8;
SELECT 1.5::int, 2.5::int, 2.5::float8::int, '7'::int, 7::text, true::int, 1::bool, 'yes'::bool, 'off'::bool, 't'::bool::text, 65::"char", 'abc'::name;
SELECT length('abc'), lower('ABC'), initcap('hello world'), substring('hello' FROM 2 FOR 3), substring('hello' FROM 'l+'), position('l' IN 'hello'), overlay('hello' PLACING 'XX' FROM 2 FOR 3), trim(both 'x' FROM 'xxaxx'), ltrim('  a'), rtrim('a  ') || '|', lpad('7', 3, '0'), rpad('7', 3, '0'), left('hello', 2), right('hello', 2), reverse('abc'), replace('banana', 'a', 'o'), translate('hello', 'el', 'ip'), split_part('a,b,c', ',', 2), strpos('hello', 'lo'), concat('a', NULL, 1), concat_ws('-', 'a', NULL, 'b'), md5('x'), ascii('a'), chr(65), repeat('ab', 3), quote_ident('a b'), quote_literal('it''s'), format('%s-%I-%L', 'a', 'b c', 'd'), to_hex(255), encode('abc', 'hex'), decode('616263', 'hex'), encode('abc', 'base64'), starts_with('hello', 'he'), regexp_replace('hello', 'l+', 'L'), regexp_split_to_array('a1b2c', '\d'), string_to_array('a,b', ','), array_to_string(ARRAY[1,2], '-');
SELECT date '2024-02-29' + 1, date '2024-03-01' - date '2024-02-01', date '2024-01-31' + interval '1 month', timestamp '2024-01-01 10:00' - timestamp '2023-12-31 09:00', timestamp '2024-01-01' + interval '1 day 2 hours', interval '1 day' * 1.5, interval '1 month' / 2, age(timestamp '2024-03-01', timestamp '2023-01-15'), date_trunc('month', timestamp '2024-02-29 12:34:56'), date_part('dow', date '2024-02-29'), extract(epoch FROM timestamp '2024-01-01'), extract(week FROM date '2024-12-30'), to_char(timestamp '2024-02-29 13:14:15', 'YYYY-MM-DD HH12:MI:SS AM Day Mon'), to_date('29 02 2024', 'DD MM YYYY'), to_timestamp(0) AT TIME ZONE 'UTC', make_date(2024, 2, 29), make_interval(0, 0, 0, 3), justify_hours(interval '30 hours'), (date '2024-01-01', date '2024-02-01') OVERLAPS (date '2024-01-15', date '2024-03-01'), time '10:00' + interval '2 hours', timestamptz '2024-07-01 00:00+00' AT TIME ZONE 'America/New_York', timestamp '2024-07-01 00:00' AT TIME ZONE 'America/New_York' = '2024-07-01 04:00+00', isfinite(date 'infinity');
SELECT to_char(1234.5, '9,999.99'), to_char(-5, 'S999'), to_char(0.5, 'FM990.00'), to_char(12, '0000'), to_number('1,234.5', '9,999.9');
SELECT (ARRAY[1,2,3])[2], ARRAY[[1,2],[3,4]], (ARRAY[1,2,3])[2:3], array_length(ARRAY[1,2,3], 1), ARRAY[1,2] || 3, 0 || ARRAY[1], ARRAY[1] || ARRAY[2], array_append(ARRAY[1], 2), array_position(ARRAY['a','b'], 'b'), 2 = ANY (ARRAY[1,2]), ARRAY[1,2] @> ARRAY[1], ARRAY[1,2] && ARRAY[2,3], cardinality(ARRAY[1,2,3]), array_remove(ARRAY[1,2,1], 1), array_upper(ARRAY[1,2], 1), array_dims(ARRAY[[1,2]]), '{1,2}'::int[] = ARRAY[1,2], ARRAY[]::text[];
SELECT 'a'::text < 'B', 'a' COLLATE "C" < 'B', 'abc' LIKE 'a_c', 'a' = 'a ', 'a'::char(3) = 'a', 'a'::char(3)::text || '|', 'x' IS DISTINCT FROM NULL, NULL IS NOT DISTINCT FROM NULL, NULL = NULL, (1, 2) < (1, 3), (1, NULL) IS NULL, ROW(NULL, NULL) IS NULL;
SELECT ARRAY[[1,2],[3]];
SELECT ARRAY[ARRAY['a','b'],ARRAY['c','d']], ARRAY[[[1]]], ARRAY[[1,2],NULL];
SELECT gen_random_uuid() IS NOT NULL, uuid 'a0eebc999c0b4ef8bb6d6bb9bd380a11', '{a0eebc99-9c0b4ef8-bb6d-6bb9bd380a11}'::uuid;
SELECT date 'J2451187', date 'julian 2451187', date 'J0', timestamp 'J2451187 04:05', timestamp 'J2451187.5', timestamp '19990108T040506', timestamptz '1999-01-08 040506.5+0730';
SELECT time '040506', time '0405', time '040506.789', timetz '040506+0730', timetz '040506z', timetz '04:05:06 PM+0730', date '040506', timestamp '040506', date '990108';
SELECT date 'J';
SELECT date 'J99999999999';
SELECT time '4';
SELECT timestamp '2024-01-01 1';
SELECT '\303'::"char", '\303'::"char"::text, octet_length('\303'::"char"::text), '\303'::"char"::int, 'a'::"char"::text;
SELECT '\303'::text::"char"::int, '\\303'::varchar::"char"::text, ' '::char(3)::"char"::text || '|';
