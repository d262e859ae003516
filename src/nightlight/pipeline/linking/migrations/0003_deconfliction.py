# SPDX-License-Identifier: Apache-2.0
"""Tables of deconfliction, and the functions that answer: what is asked for is written down before it is answered."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from nightlight.trust.custody.append_only import append_only_sql
from nightlight.trust.rights import WEB

_PATH = "SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp"
# One at a time writes what was told: askings, partners, and the step that links and forgets. Before any row is locked.
_ALONE = "PERFORM pg_advisory_xact_lock(hashtextextended('deconfliction', 0))"
# What may be told is said in deconfliction/rules.py too; a test compares. An identifier of which one place names a
# protected person, or stands on a child's side, is told to nobody, whoever else has it.
_TOLD = (
    "i.kind IN ('phone', 'email', 'device', 'payment', 'account') AND NOT i.silenced AND i.suspects BETWEEN 1 AND 64"
)
_HOLDERS = f"""
CREATE FUNCTION linking_may_be_told(wanted bigint) RETURNS boolean LANGUAGE sql STABLE {_PATH} AS $$
    SELECT EXISTS (SELECT 1 FROM linking_identifier i WHERE i.id = wanted
        AND {_TOLD}
        AND NOT EXISTS (SELECT 1 FROM linking_sighting s WHERE s.identifier_id = i.id AND (s.side = 'child' OR s.value = '')))
$$;
-- The tips that hold an identifier for somebody reported. One that waits to be linked may just have been taken back,
-- cleared or destroyed: it is told of when it was linked.
CREATE FUNCTION linking_holders(wanted bigint) RETURNS TABLE (tip_id bigint, unit_id bigint, opened_at timestamptz)
LANGUAGE sql STABLE {_PATH} AS $$
    SELECT DISTINCT t.id, t.unit_id, t.opened_at
    FROM linking_sighting s JOIN linking_subject p ON p.id = s.subject_id AND NOT p.gone AND p.side = 'suspect'
    JOIN tips_tip t ON t.id = s.tip_id AND t.state = 'received' AND NOT t.set_apart
    WHERE s.identifier_id = wanted AND s.side = 'suspect' AND linking_may_be_told(wanted)
      AND NOT EXISTS (SELECT 1 FROM linking_waiting w WHERE w.tip_id = t.id)
$$;
CREATE FUNCTION linking_month(at timestamptz) RETURNS date LANGUAGE sql STABLE AS $$
    SELECT date_trunc('month', at AT TIME ZONE 'UTC')::date
$$;
-- Of every unit whose tips were told of for the first time, its newest such tip: whoever works there learns of it.
CREATE FUNCTION linking_tell_units(fresh bigint[], about text, at timestamptz, ids text[]) RETURNS void
LANGUAGE sql VOLATILE {_PATH} AS $$
    INSERT INTO units_notice (public_id, unit_id, role, kind, subject, about, at)
    SELECT ids[n], unit_id, role, 'deconfliction.held', 'tip:' || public_id, about, at
    FROM (SELECT row_number() OVER (ORDER BY t.unit_id, r.role) AS n, t.unit_id, t.public_id, r.role
          FROM (SELECT DISTINCT ON (x.unit_id) x.unit_id, x.public_id FROM tips_tip x WHERE x.id = ANY (fresh)
                ORDER BY x.unit_id, x.opened_at DESC, x.id DESC) t
          CROSS JOIN unnest(ARRAY['triage-officer', 'investigator', 'commander']) AS r (role)) told
    WHERE n <= cardinality(ids)
$$;
-- How many names for notices an asking may need: three roles in each unit, and four administrators.
CREATE FUNCTION linking_notices() RETURNS bigint LANGUAGE sql STABLE {_PATH} AS $$
    SELECT 4 + 3 * count(*) FROM units_unit
$$;
-- The tips that were told of for the first time, each with the kinds: for the log, and for no page.
CREATE FUNCTION linking_fresh(tips bigint[], identifiers bigint[]) RETURNS jsonb LANGUAGE sql STABLE {_PATH} AS $$
    SELECT coalesce(jsonb_agg(jsonb_build_object('tip', f.public_id, 'kinds', f.kinds) ORDER BY f.public_id), '[]')
    FROM (SELECT t.public_id, array_agg(DISTINCT i.kind ORDER BY i.kind) AS kinds
          FROM unnest(tips, identifiers) AS u (tip, identifier)
          JOIN tips_tip t ON t.id = u.tip JOIN linking_identifier i ON i.id = u.identifier GROUP BY t.public_id) f
$$;
-- Of a partner that names ever more units, the newest: it cannot fill a tip's page. With the rights of whoever asks.
CREATE FUNCTION linking_held_newest(tips bigint[], of_partner bigint) RETURNS void LANGUAGE sql VOLATILE AS $$
    DELETE FROM linking_held h USING (
        SELECT x.id, row_number() OVER (PARTITION BY x.tip_id, x.identifier_id ORDER BY x.at DESC, x.id DESC) AS n
        FROM linking_held x WHERE x.partner_id = of_partner AND x.tip_id = ANY (tips)) o
    WHERE o.id = h.id AND o.n > 5
$$;
-- Whether a partner was not refused for this within the hour: one that keeps asking does not fill the log.
CREATE FUNCTION linking_first_refusal(partner text, why text, asked_at timestamptz) RETURNS boolean
LANGUAGE sql STABLE {_PATH} AS $$
    SELECT NOT EXISTS (SELECT 1 FROM custody_event e WHERE e.subject = 'partner:' || partner
        AND e.kind = 'deconfliction.partner-refused' AND e.at > asked_at - interval '1 hour'
        AND e.body::jsonb #>> '{{data,why}}' = why)
$$;
"""  # noqa: S608 - our own words
# An officer's asking is a row that row security has let in: by who may, in their own name, about a tip they see. This
# answers that row and no other, tells both sides, and returns what the log says: to the page kinds and units, never a tip.
_ASK = f"""
CREATE FUNCTION linking_ask(asked bigint, ids text[]) RETURNS jsonb
LANGUAGE plpgsql VOLATILE {_PATH} AS $$
DECLARE
    mine linking_asking;
    fresh bigint[];
    which bigint[];
    said jsonb;
BEGIN
    {_ALONE};
    -- Only one that this transaction wrote: what it wrote is seen by nobody else yet, and by nobody again. Its number
    -- has no epoch; where that is guessed wrong, the asking is refused.
    SELECT * INTO mine FROM linking_asking a WHERE a.id = asked AND a.by_id = units_viewer()
        AND pg_xact_status(((pg_current_xact_id()::text::bigint >> 32 << 32) | a.xmin::text::bigint)::text::xid8) = 'in progress';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no such asking of whoever is acting' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF NOT EXISTS (SELECT 1 FROM tips_tip t WHERE t.id = mine.tip_id AND t.unit_id = mine.unit_id) THEN
        RETURN '{{"problem": "moved"}}';
    END IF;
    IF EXISTS (SELECT 1 FROM linking_waiting w WHERE w.tip_id = mine.tip_id) THEN
        RETURN '{{"problem": "waits"}}';
    END IF;
    CREATE TEMP TABLE linking_found ON COMMIT DROP AS
        SELECT s.identifier_id, h.tip_id, h.unit_id, h.opened_at
        FROM (SELECT DISTINCT x.identifier_id FROM linking_sighting x JOIN linking_identifier i ON i.id = x.identifier_id
              WHERE x.tip_id = mine.tip_id AND x.side = 'suspect' AND {_TOLD}) s
        CROSS JOIN LATERAL linking_holders(s.identifier_id) h;
    -- Those whose own tip is not to be told of ask about nothing, and unlearn nothing.
    DELETE FROM linking_found f WHERE NOT EXISTS (
        SELECT 1 FROM linking_found o WHERE o.identifier_id = f.identifier_id AND o.tip_id = mine.tip_id);
    DELETE FROM linking_held h WHERE h.tip_id = mine.tip_id AND h.unit_id IS NOT NULL
        AND EXISTS (SELECT 1 FROM linking_found);
    INSERT INTO linking_held (tip_id, identifier_id, unit_id, their_unit, call, since, at)
        SELECT mine.tip_id, f.identifier_id, f.unit_id, '', '', linking_month(min(f.opened_at)), mine.at
        FROM linking_found f WHERE f.unit_id <> mine.unit_id GROUP BY f.identifier_id, f.unit_id;
    WITH told AS (
        INSERT INTO linking_held AS h (tip_id, identifier_id, unit_id, their_unit, call, since, at)
        SELECT o.tip_id, o.identifier_id, mine.unit_id, '', '', own.since, mine.at
        FROM (SELECT f.*, row_number() OVER (PARTITION BY f.unit_id, f.identifier_id ORDER BY f.opened_at DESC, f.tip_id DESC) AS n
              FROM linking_found f WHERE f.unit_id <> mine.unit_id) o
        JOIN (SELECT f.identifier_id, linking_month(min(f.opened_at)) AS since
              FROM linking_found f WHERE f.unit_id = mine.unit_id GROUP BY f.identifier_id) own USING (identifier_id)
        WHERE o.n <= 20
        ON CONFLICT (tip_id, identifier_id, unit_id) WHERE unit_id IS NOT NULL DO UPDATE SET at = excluded.at
        RETURNING h.tip_id, h.identifier_id, xmax = 0 AS is_new)
    SELECT array_agg(told.tip_id), array_agg(told.identifier_id) INTO fresh, which FROM told WHERE told.is_new;
    PERFORM linking_tell_units(fresh, (SELECT 'unit:' || u.public_id FROM units_unit u WHERE u.id = mine.unit_id), mine.at, ids);
    SELECT jsonb_build_object('problem', '', 'told', linking_fresh(fresh, which),
            'unit', (SELECT o.public_id FROM units_unit o WHERE o.id = mine.unit_id),
            'kinds', coalesce(jsonb_agg(DISTINCT i.kind), '[]'), 'units', coalesce(jsonb_agg(DISTINCT u.public_id), '[]'))
        INTO said
        FROM linking_found f JOIN linking_identifier i ON i.id = f.identifier_id JOIN units_unit u ON u.id = f.unit_id
        WHERE f.unit_id <> mine.unit_id;
    DROP TABLE linking_found;
    RETURN said;
END
$$;
"""  # noqa: S608 - our own words
# What a partner's token may ask. The count of what it asked is kept in the same transaction, and the partner's row is
# held meanwhile, so that two requests at once are counted one after the other.
_PARTNER = f"""
CREATE FUNCTION linking_partner_ask(
    shown bigint, of_ring text, of_epoch text, digests bytea[], of_unit text, of_call text, daily integer,
    asked_at timestamptz, ids text[]) RETURNS jsonb
LANGUAGE plpgsql VOLATILE {_PATH} AS $$
DECLARE
    p linking_partner;
    r bigint;
    wanted integer;
    spent bigint;
    first_at timestamptz;
    answer jsonb;
    hits integer;
    fresh bigint[];
    which bigint[];
    month_asked bigint;
    month_held bigint;
BEGIN
    IF units_viewer() IS NOT NULL OR units_service() <> 'deconfliction' THEN
        RAISE EXCEPTION 'only a partner''s token asks this' USING ERRCODE = 'insufficient_privilege';
    END IF;
    {_ALONE};
    SELECT * INTO p FROM linking_partner x WHERE x.token_id = shown AND x.ended_at IS NULL AND x.ring = of_ring FOR UPDATE;
    IF NOT FOUND THEN
        RETURN '{{"problem": "ring"}}';
    END IF;
    SELECT x.id INTO r FROM linking_ring x WHERE x.name = of_ring AND x.epoch = of_epoch;
    IF NOT FOUND THEN
        RETURN jsonb_build_object('problem', 'epoch', 'partner', p.public_id,
            'first', linking_first_refusal(p.public_id, 'epoch', asked_at));
    END IF;
    SELECT count(DISTINCT d) INTO wanted FROM unnest(digests) AS d;
    SELECT coalesce(sum(x.digests), 0), min(x.at) INTO spent, first_at
        FROM linking_partnerasking x WHERE x.partner_id = p.id AND x.at > asked_at - interval '24 hours';
    IF spent + wanted > daily THEN
        RETURN jsonb_build_object('problem', 'limit', 'partner', p.public_id,
            'first', linking_first_refusal(p.public_id, 'limit', asked_at), 'left', greatest(daily - spent, 0), 'seconds',
            greatest(1, ceil(extract(epoch FROM coalesce(first_at, asked_at) + interval '24 hours' - asked_at))));
    END IF;
    CREATE TEMP TABLE linking_found ON COMMIT DROP AS
        SELECT d.digest, d.identifier_id, h.tip_id, h.unit_id, h.opened_at
        FROM linking_ringdigest d CROSS JOIN LATERAL linking_holders(d.identifier_id) h
        WHERE d.ring_id = r AND d.digest = ANY (digests);
    SELECT count(DISTINCT f.digest) INTO hits FROM linking_found f;
    SELECT coalesce(jsonb_agg(jsonb_build_object('digest', encode(g.digest, 'hex'), 'kind', i.kind, 'unit', u.name,
                    'call', coalesce(concat_ws(' · ', NULLIF(c.telephone, ''), NULLIF(c.email, ''), NULLIF(c.duty, '')), ''),
                    'since', to_char(g.since, 'YYYY-MM')) ORDER BY g.digest, u.name), '[]')
        INTO answer
        FROM (SELECT f.digest, f.identifier_id, f.unit_id, linking_month(min(f.opened_at)) AS since FROM linking_found f
              GROUP BY f.digest, f.identifier_id, f.unit_id) g
        JOIN linking_identifier i ON i.id = g.identifier_id JOIN units_unit u ON u.id = g.unit_id
        LEFT JOIN linking_contact c ON c.unit_id = g.unit_id;
    WITH told AS (
        INSERT INTO linking_held AS h (tip_id, identifier_id, partner_id, their_unit, call, at)
        SELECT o.tip_id, o.identifier_id, p.id, of_unit, of_call, asked_at
        FROM (SELECT f.*, row_number() OVER (PARTITION BY f.unit_id, f.identifier_id ORDER BY f.opened_at DESC, f.tip_id DESC) AS n
              FROM linking_found f) o
        WHERE o.n <= 20
        ON CONFLICT (tip_id, identifier_id, partner_id, their_unit) WHERE partner_id IS NOT NULL
        DO UPDATE SET at = excluded.at, call = excluded.call
        RETURNING h.tip_id, h.identifier_id)
    -- By what stood there before: a partner that calls itself another unit every time is no news.
    SELECT array_agg(told.tip_id), array_agg(told.identifier_id) INTO fresh, which
        FROM told WHERE NOT EXISTS (SELECT 1 FROM linking_held b WHERE b.tip_id = told.tip_id
            AND b.identifier_id = told.identifier_id AND b.partner_id = p.id);
    PERFORM linking_held_newest((SELECT array_agg(DISTINCT f.tip_id) FROM linking_found f), p.id);
    DROP TABLE linking_found;
    PERFORM linking_tell_units(fresh, 'partner:' || p.public_id, asked_at, ids[5:]);
    INSERT INTO linking_partnerasking (partner_id, digests, held, at) VALUES (p.id, wanted, hits, asked_at);
    SELECT sum(x.digests), sum(x.held) INTO month_asked, month_held
        FROM linking_partnerasking x WHERE x.partner_id = p.id AND x.at > asked_at - interval '30 days';
    IF month_asked >= 1000 AND month_held * 1000 < month_asked AND NOT EXISTS (
        SELECT 1 FROM units_notice n WHERE n.kind = 'deconfliction.guessing' AND n.subject = 'partner:' || p.public_id
          AND n.at > asked_at - interval '24 hours') THEN
        INSERT INTO units_notice (public_id, unit_id, role, kind, subject, about, at)
        SELECT ids[n], unit_id, 'administrator', 'deconfliction.guessing', 'partner:' || p.public_id, '', asked_at
        FROM (SELECT row_number() OVER (ORDER BY q.unit_id) AS n, q.unit_id
              FROM (SELECT DISTINCT o.unit_id FROM units_post o WHERE o.role = 'administrator'
                      AND o.starts_at <= asked_at AND (o.ends_at IS NULL OR o.ends_at > asked_at)) q) w
        WHERE n <= 4;
    END IF;
    RETURN jsonb_build_object('problem', '', 'partner', p.public_id, 'asked', wanted, 'hits', hits, 'held', answer,
        'told', linking_fresh(fresh, which));
END
$$;
REVOKE EXECUTE ON FUNCTION linking_may_be_told(bigint), linking_holders(bigint),
    linking_tell_units(bigint[], text, timestamptz, text[]), linking_fresh(bigint[], bigint[]),
    linking_first_refusal(text, text, timestamptz), linking_notices(), linking_ask(bigint, text[]),
    linking_partner_ask(bigint, text, text, bytea[], text, text, integer, timestamptz, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION linking_notices(), linking_ask(bigint, text[]),
    linking_partner_ask(bigint, text, text, bytea[], text, text, integer, timestamptz, text[]) TO {WEB};
"""  # noqa: S608 - our own words
# What was told goes with what it was told of; where a tip holds the value no longer, ``linking/rows.py`` forgets it.
_GOES = """
ALTER TABLE linking_held ADD CONSTRAINT held_with_identifier
    FOREIGN KEY (identifier_id) REFERENCES linking_identifier ON DELETE CASCADE;
ALTER TABLE linking_ringdigest ADD CONSTRAINT digest_with_identifier
    FOREIGN KEY (identifier_id) REFERENCES linking_identifier ON DELETE CASCADE;
"""
_UNDO = """
DROP FUNCTION linking_partner_ask(bigint, text, text, bytea[], text, text, integer, timestamptz, text[]);
DROP FUNCTION linking_ask(bigint, text[]); DROP FUNCTION linking_first_refusal(text, text, timestamptz);
DROP FUNCTION linking_held_newest(bigint[], bigint); DROP FUNCTION linking_fresh(bigint[], bigint[]);
DROP FUNCTION linking_notices(); DROP FUNCTION linking_tell_units(bigint[], text, timestamptz, text[]);
DROP FUNCTION linking_month(timestamptz); DROP FUNCTION linking_holders(bigint); DROP FUNCTION linking_may_be_told(bigint);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_deconfliction"),
        ("linking", "0002_guards"),
        ("tips", "0007_counted_by_index"),
        ("units", "0002_posts_of_earlier_roles"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Partner",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.CharField(max_length=16, unique=True)),
                ("name", models.CharField(max_length=120, unique=True)),
                ("ring", models.CharField(max_length=40)),
                ("url", models.CharField(blank=True, max_length=300)),
                ("secret", models.BinaryField(default=b"")),
                ("secret_key_part", models.BinaryField(default=b"")),
                ("asked_epoch", models.CharField(blank=True, max_length=40)),
                ("asked_low", models.BigIntegerField(null=True)),
                ("asked_high", models.BigIntegerField(null=True)),
                ("asked_at", models.DateTimeField(null=True)),
                ("not_before", models.DateTimeField(null=True)),
                ("why", models.CharField(blank=True, max_length=300)),
                ("added_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "token",
                    models.OneToOneField(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.apitoken"
                    ),
                ),
            ],
            options={
                "db_table": "linking_partner",
            },
        ),
        migrations.CreateModel(
            name="Ring",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=40)),
                ("epoch", models.CharField(max_length=40)),
                ("upto", models.BigIntegerField(db_default=0)),
            ],
            options={
                "db_table": "linking_ring",
                "constraints": [models.UniqueConstraint(fields=("name", "epoch"), name="ring_once")],
            },
        ),
        migrations.CreateModel(
            name="Asking",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.CharField(max_length=16, unique=True)),
                ("at", models.DateTimeField()),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "tip",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="tips.tip"),
                ),
                (
                    "unit",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="units.unit"),
                ),
            ],
            options={
                "db_table": "linking_asking",
                "indexes": [models.Index(fields=["by", "-at"], name="asking_by")],
            },
        ),
        migrations.CreateModel(
            name="Contact",
            fields=[
                (
                    "unit",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="units.unit",
                    ),
                ),
                ("telephone", models.CharField(blank=True, max_length=40)),
                ("email", models.CharField(blank=True, max_length=120)),
                ("duty", models.CharField(blank=True, max_length=120)),
                ("at", models.DateTimeField()),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "db_table": "linking_contact",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("duty", ""), ("email", ""), ("telephone", ""), _negated=True),
                        name="contact_says_something",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Held",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("their_unit", models.CharField(blank=True, max_length=200)),
                ("call", models.CharField(blank=True, max_length=300)),
                ("since", models.DateField(null=True)),
                ("at", models.DateTimeField()),
                (
                    "identifier",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="linking.identifier",
                    ),
                ),
                (
                    "tip",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="tips.tip"
                    ),
                ),
                (
                    "unit",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="units.unit",
                    ),
                ),
                (
                    "partner",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="linking.partner",
                    ),
                ),
            ],
            options={
                "db_table": "linking_held",
                "indexes": [models.Index(fields=["tip", "at"], name="held_of_tip")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("unit__isnull", False)),
                        fields=("tip", "identifier", "unit"),
                        name="held_by_unit_once",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("partner__isnull", False)),
                        fields=("tip", "identifier", "partner", "their_unit"),
                        name="held_by_partner_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("partner__isnull", True), ("unit__isnull", False)),
                            models.Q(("partner__isnull", False), ("unit__isnull", True)),
                            _connector="OR",
                        ),
                        name="held_by_a_unit_or_a_partner",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PartnerAsking",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("digests", models.IntegerField()),
                ("held", models.IntegerField()),
                ("at", models.DateTimeField()),
                (
                    "partner",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="linking.partner",
                    ),
                ),
            ],
            options={
                "db_table": "linking_partnerasking",
                "indexes": [models.Index(fields=["partner", "at"], name="partner_asking")],
            },
        ),
        migrations.CreateModel(
            name="RingDigest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("digest", models.BinaryField(max_length=16)),
                (
                    "identifier",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="linking.identifier",
                    ),
                ),
                (
                    "ring",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="linking.ring"
                    ),
                ),
            ],
            options={
                "db_table": "linking_ringdigest",
                "constraints": [
                    models.UniqueConstraint(fields=("ring", "digest"), name="ring_digest_once"),
                    models.UniqueConstraint(fields=("ring", "identifier"), name="ring_identifier_once"),
                ],
            },
        ),
        *(migrations.RunSQL(*append_only_sql(table)) for table in ("linking_asking", "linking_partnerasking")),
        migrations.RunSQL(_HOLDERS + _ASK + _PARTNER + _GOES, _UNDO),
    ]
