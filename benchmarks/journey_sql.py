"""The journey figures once more, as SQL over the whole log: nothing here is shared with the program."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import duckdb
import pyarrow as pa

from journeys.histories import AnalyticsContext

GROUPS = {
    "activity": "activity",
    "opened": "product_opened",
    "closed": "product_closed",
    "complained": "complaint_opened",
    "resolved": "complaint_resolved",
    "nps": "survey_nps",
    "csat": "survey_csat",
    "referral": "referral",
}


class Oracle:
    """Answers with DuckDB.

    Args:
        events: The log, or a pattern of Parquet files.
        stages: Stage history of the same customers, likewise.
        context: The bank.
    """

    def __init__(self, events: pa.Table | str, stages: pa.Table | str, context: AnalyticsContext) -> None:
        self._db = duckdb.connect()
        self._db.execute("SET TimeZone = 'UTC'")
        sources = {"log": events, "history": stages}
        for name, source in sources.items():
            if isinstance(source, str):
                self._db.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{source}')")
            else:
                self._db.register(name, source)
        zone, analytics = context.calendar.zone.key, context.analytics
        steps = analytics.steps_of(context.vocabulary)
        self.names = {
            "today": f"DATE '{context.as_of:%Y-%m-%d}'",
            "as_of": f"TIMESTAMPTZ '{context.as_of.isoformat()}'",
            "every": context.journey.evaluate_every_days,
            "pause": f"INTERVAL {24 * analytics.pause_days} HOUR",
            "touch": f"INTERVAL {24 * analytics.touchpoint_days} HOUR",
            "switch": f"INTERVAL {24 * analytics.switch_days} HOUR",
            "followed": f"INTERVAL {24 * analytics.followed_days} HOUR",
            "followed_days": analytics.followed_days,
            "period_days": analytics.period_days,
            "final": len(steps) - 1,
            "segment": analytics.segment,
            "touchpoints": _listed(analytics.touchpoints_of(context.vocabulary)),
            "step_of": " ".join(
                f"WHEN type IN {_listed(types)} THEN {place}" for place, (_, types) in reversed(list(enumerate(steps)))
            ),
            "step_name": "CASE {0} "
            + " ".join(f"WHEN {place} THEN '{name}'" for place, (name, _) in enumerate(steps))
            + " END",
            **{name: _listed(context.vocabulary.groups.get(group, ())) for name, group in GROUPS.items()},
        }
        self._db.execute(
            f"""
            CREATE TABLE ev AS SELECT
              * REPLACE (type::VARCHAR AS type, channel::VARCHAR AS channel, product::VARCHAR AS product),
              row_number() OVER (PARTITION BY customer_id ORDER BY occurred_at, event_id) AS place,
              (occurred_at AT TIME ZONE '{zone}')::DATE AS day,
              strftime(occurred_at AT TIME ZONE '{zone}', '%Y-%m') AS month
            FROM log WHERE available_at < {self.names["as_of"]};
            CREATE TABLE st AS SELECT customer_id, stage, previous_stage,
              (entered_at AT TIME ZONE '{zone}')::DATE AS entered, (left_at AT TIME ZONE '{zone}')::DATE AS gone
            FROM history;
            """
        )

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """Run a query; `{names}` are replaced."""
        names = {**self.names, "step_name": ""}
        found = self._db.execute(sql.format(**names))
        columns = [column[0] for column in found.description]
        return [dict(zip(columns, row, strict=True)) for row in found.fetchall()]

    def step(self, column: str) -> str:
        """Return SQL for the name of a step."""
        return str(self.names["step_name"]).format(column)


def _listed(names: Iterable[str]) -> str:
    quoted = ", ".join(f"'{name}'" for name in sorted(names))
    return f"({quoted or 'NULL'})"


def stage_on(customer: str, day: str) -> str:
    """Return SQL for the stage of a customer on a day."""
    return (
        f"coalesce((SELECT max(stage) FROM st WHERE st.customer_id = {customer} AND entered <= {day} "
        f"AND (gone IS NULL OR gone > {day})), 'none')"
    )


STAGE_SIZES = """
WITH days AS (SELECT unnest(generate_series((SELECT min(entered) FROM st), {today}, to_days({every})))::DATE AS day),
     used AS (SELECT DISTINCT stage FROM st)
SELECT strftime(day, '%Y-%m-%d') AS day, used.stage, count(st.customer_id) AS customers
FROM days CROSS JOIN used LEFT JOIN st ON st.stage = used.stage AND entered <= day AND (gone IS NULL OR gone > day)
GROUP BY ALL"""

STAGE_FLOWS = """
SELECT strftime(entered, '%Y-%m-%d') AS day, coalesce(previous_stage, 'none') AS from_stage, stage AS to_stage,
  count(*) AS customers FROM st GROUP BY ALL"""

STAGED = (
    """
WITH firsts AS (SELECT customer_id, date_trunc('month', min(entered)) AS first FROM st GROUP BY ALL),
     months AS (SELECT customer_id, unnest(generate_series(first, date_trunc('month', {today}) - INTERVAL 1 MONTH,
       INTERVAL 1 MONTH))::DATE AS begins FROM firsts),
     staged AS (SELECT customer_id, begins, """
    + (
        stage_on("months.customer_id", "begins")
        + " AS before, "
        + stage_on("months.customer_id", "(begins + INTERVAL 1 MONTH)::DATE")
    )
    + " AS later FROM months)"
)

STAGE_MONTHS = (
    STAGED
    + """
SELECT strftime(begins, '%Y-%m') AS month, before AS from_stage, later AS to_stage, count(*) AS customers
FROM staged WHERE later <> 'none' GROUP BY ALL"""
)

TIME_IN_STAGE = """
WITH stays AS (SELECT customer_id, stage, date_diff('day', entered, coalesce(gone, {today})) AS days,
       (gone IS NOT NULL)::INT AS ended FROM st),
     whole AS (SELECT stage, count(DISTINCT customer_id) AS customers, sum(ended) AS stays_ended,
       count(*) - sum(ended) AS stays_going_on, count(*) AS stays FROM stays GROUP BY ALL),
     days AS (SELECT stage, days, sum(ended) AS ended, count(*) AS left_here FROM stays GROUP BY ALL),
     risk AS (SELECT *, stays - coalesce(sum(left_here) OVER (PARTITION BY stage ORDER BY days
       ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS at_risk FROM days JOIN whole USING (stage)),
     curve AS (SELECT *, product(1.0 - ended / at_risk) OVER (PARTITION BY stage ORDER BY days) AS remaining FROM risk)
SELECT stage, customers, stays_ended, stays_going_on,
  min(days) FILTER (remaining <= 0.75 + 1e-9) AS days_quarter,
  min(days) FILTER (remaining <= 0.5 + 1e-9) AS days_median,
  min(days) FILTER (remaining <= 0.25 + 1e-9) AS days_three_quarters
FROM curve GROUP BY ALL"""

BEFORE_LEAVING = (
    STAGED
    + """,
     risk AS (SELECT 'dormant' AS target, * FROM staged WHERE before IN ('acquisition', 'growth', 'mature')
       UNION ALL SELECT 'lost', * FROM staged WHERE before IN ('acquisition', 'growth', 'mature', 'dormant')),
     whole AS (SELECT target, count(*) AS all_months, sum((later = target)::INT) AS all_moved FROM risk GROUP BY ALL),
     seen AS (SELECT DISTINCT customer_id, month, type AS event FROM ev WHERE type <> 'customer_attributes'),
     after AS (SELECT target, event, count(DISTINCT customer_id) AS customers, count(*) AS months,
       sum((later = target)::INT) AS moved FROM risk JOIN seen USING (customer_id)
       WHERE seen.month = strftime(begins - INTERVAL 1 MONTH, '%Y-%m') GROUP BY ALL)
SELECT target, event, customers, months, moved, moved / months AS share_after,
  (all_moved - moved) / nullif(all_months - months, 0) AS share_otherwise,
  CASE WHEN moved > 0 AND all_moved > moved
    THEN (moved / months) / ((all_moved - moved) / (all_months - months)) END AS relative_risk
FROM after JOIN whole USING (target)"""
)

PASSAGES = """
WITH steps AS (SELECT *, CASE {step_of} END AS step FROM ev WHERE product IS NOT NULL),
     funnel_events AS (SELECT * FROM steps WHERE step IS NOT NULL),
     begun AS (SELECT *, CASE WHEN lag(occurred_at) OVER w IS NULL OR occurred_at - lag(occurred_at) OVER w > {pause}
         OR lag(step) OVER w = {final} THEN 1 ELSE 0 END AS begins
       FROM funnel_events WINDOW w AS (PARTITION BY customer_id, product ORDER BY place)),
     numbered AS (SELECT *, sum(begins) OVER (PARTITION BY customer_id, product ORDER BY place) AS passage FROM begun),
     passages AS (SELECT customer_id, product, passage, min(occurred_at) AS first_at, max(occurred_at) AS last_at,
         arg_min(month, place) AS month, arg_max(month, place) AS last_month,
         coalesce(arg_min_null(channel, place), 'none') AS channel,
         coalesce(arg_max_null(channel, place), 'none') AS last_channel,
         max(step) AS reached FROM numbered GROUP BY ALL),
     ended AS (SELECT *, reached = {final} AS converted,
       reached <> {final} AND {as_of} - last_at <= {pause} AS under_way FROM passages),
     levels AS (SELECT customer_id, product, passage, reaching.level, min(occurred_at) AS moment
       FROM numbered JOIN (SELECT unnest(range({final} + 1)) AS level) AS reaching ON step >= level GROUP BY ALL),
     segments AS (SELECT customer_id, arg_max(properties['{segment}'], place) AS segment FROM ev
       WHERE type = 'customer_attributes' AND properties['{segment}'] IS NOT NULL GROUP BY ALL)
"""

BROKEN = (
    PASSAGES
    + """,
     stopped AS (SELECT *, row_number() OVER () AS number FROM ended WHERE NOT converted AND NOT under_way),
     next_any AS (SELECT number, min(a.occurred_at) AS moment FROM stopped s JOIN ev a ON a.customer_id = s.customer_id
       WHERE a.type IN {activity} AND a.channel IS NOT NULL AND a.occurred_at > s.last_at
         AND a.occurred_at <= s.last_at + {pause} GROUP BY ALL),
     next_other AS (SELECT number, arg_min(a.channel, a.place) AS channel, arg_min(a.occurred_at, a.place) AS moment
       FROM stopped s JOIN ev a ON a.customer_id = s.customer_id
       WHERE a.type IN {activity} AND a.channel IS NOT NULL AND a.channel <> s.last_channel
         AND a.occurred_at > s.last_at AND a.occurred_at <= s.last_at + {pause} GROUP BY ALL),
     told AS (SELECT s.*, CASE WHEN o.channel IS NOT NULL THEN o.channel WHEN n.moment IS NOT NULL THEN 'same channel'
         ELSE 'silent' END AS following, coalesce(o.moment, n.moment) AS next_at
       FROM stopped s LEFT JOIN next_any n USING (number) LEFT JOIN next_other o USING (number))
"""
)

RESOLVED = """
     complaints AS (SELECT c.*, (SELECT min(r.occurred_at) FROM ev r WHERE r.customer_id = c.customer_id
       AND r.type IN {resolved} AND r.occurred_at > c.occurred_at) AS resolved_at
       FROM ev c WHERE c.type IN {complained})
"""

EXPERIENCE = (
    "WITH "
    + RESOLVED
    + """,
     relevant AS (
       SELECT customer_id, place, day, occurred_at, channel, type, 'contact' AS kind, NULL AS score, NULL AS hours
         FROM ev WHERE type IN {touchpoints}
       UNION ALL SELECT customer_id, place, day, occurred_at, channel, type, 'nps', amount, NULL FROM ev
         WHERE type IN {nps} AND amount BETWEEN 0 AND 10 AND amount = floor(amount)
       UNION ALL SELECT customer_id, place, day, occurred_at, channel, type, 'csat', amount, NULL FROM ev
         WHERE type IN {csat} AND amount BETWEEN 0 AND 5 AND amount = floor(amount)
       UNION ALL SELECT customer_id, place, day, occurred_at, channel, type, 'complaint', NULL,
         (epoch_us(resolved_at) - epoch_us(occurred_at)) // 3600000000 FROM complaints),
     aged AS (SELECT *, date_diff('day', day, {today}) AS age FROM relevant),
     period AS (SELECT *, CASE WHEN age BETWEEN 1 AND {period_days} THEN 'latest'
       WHEN age BETWEEN {period_days} + 1 AND 2 * {period_days} THEN 'before' END AS period FROM aged),
     touched AS (SELECT p.*, CASE WHEN kind = 'contact' THEN p.place ELSE (SELECT max(t.place) FROM ev t
       WHERE t.customer_id = p.customer_id AND t.type IN {touchpoints} AND t.place < p.place) END AS touched
       FROM period p WHERE period IS NOT NULL),
     placed AS (SELECT p.*, CASE WHEN p.occurred_at - t.occurred_at <= {touch} THEN t.type END AS about,
         CASE WHEN p.occurred_at - t.occurred_at <= {touch} THEN t.channel END AS about_channel
       FROM touched p LEFT JOIN ev t ON t.customer_id = p.customer_id AND t.place = p.touched),
     staged AS (SELECT *, """
    + stage_on("placed.customer_id", "placed.day")
    + """ AS stage FROM placed),
     cells AS (SELECT *, unnest(['all', 'touchpoint', 'channel']) AS grouping,
       unnest(['all', coalesce(about, 'none'), coalesce(channel, about_channel, 'none')]) AS "group" FROM staged),
     doubled AS (SELECT * EXCLUDE (stage), unnest([stage, 'all']) AS stage FROM cells)
SELECT period, grouping, "group", stage, count(DISTINCT customer_id) AS customers,
  count(*) FILTER (kind = 'contact') AS contacts, count(*) FILTER (kind = 'nps') AS nps_answers,
  100.0 * (count(*) FILTER (kind = 'nps' AND score >= 9) - count(*) FILTER (kind = 'nps' AND score <= 6))
    / nullif(count(*) FILTER (kind = 'nps'), 0) AS nps,
  count(*) FILTER (kind = 'csat') AS csat_answers, avg(score) FILTER (kind = 'csat') AS csat,
  count(*) FILTER (kind = 'complaint') AS complaints, count(hours) AS resolved, avg(hours) / 24 AS days_to_resolve
FROM doubled GROUP BY ALL"""
)

MOMENTS = (
    "WITH "
    + RESOLVED
    + """,
     old AS (SELECT *, occurred_at + {followed} AS until FROM complaints WHERE day + {followed_days} <= {today}),
     known AS (SELECT *, resolved_at IS NOT NULL AND resolved_at <= until AS done,
       (epoch_us(resolved_at) - epoch_us(occurred_at)) // 86400000000 AS waited FROM old),
     told AS (SELECT *, CASE WHEN NOT done THEN 'not resolved' WHEN waited <= 2 THEN 'within 2 days'
         WHEN waited <= 7 THEN '3 to 7 days' WHEN waited <= 14 THEN '8 to 14 days' ELSE 'later' END AS band,
       (SELECT arg_min(e.amount, e.place) FROM ev e WHERE e.customer_id = known.customer_id AND e.type IN {csat}
          AND e.amount BETWEEN 0 AND 5 AND e.amount = floor(e.amount) AND done AND e.occurred_at > known.resolved_at
          AND e.occurred_at <= known.until) AS csat,
       (SELECT arg_min(e.amount, e.place) FROM ev e WHERE e.customer_id = known.customer_id AND e.type IN {nps}
          AND e.amount BETWEEN 0 AND 10 AND e.amount = floor(e.amount)
          AND e.occurred_at > CASE WHEN done THEN known.resolved_at ELSE known.occurred_at END
          AND e.occurred_at <= known.until) AS nps,
       EXISTS (SELECT 1 FROM ev e WHERE e.customer_id = known.customer_id AND e.type IN {opened}
          AND e.occurred_at > known.occurred_at AND e.occurred_at <= known.until) AS bought, """
    + stage_on("known.customer_id", "(known.day + {followed_days})")
    + """ AS later FROM known)
SELECT band AS resolved, CASE WHEN csat >= 4 THEN 'satisfied' WHEN csat < 4 THEN 'dissatisfied' ELSE 'no answer' END
    AS answer, count(DISTINCT customer_id) AS customers, count(*) AS complaints,
  avg((later IN ('dormant', 'lost'))::INT) AS share_dormant_or_lost, avg(bought::INT) AS share_opened_product,
  100.0 * (count(*) FILTER (nps >= 9) - count(*) FILTER (nps <= 6)) / nullif(count(nps), 0) AS nps
FROM told GROUP BY ALL"""
)

ACTIVE = """
WITH days AS (SELECT day, count(DISTINCT customer_id) AS customers, count(*) AS activities FROM ev
       WHERE type IN {activity} GROUP BY ALL),
     months AS (SELECT month, count(DISTINCT customer_id) AS customers, count(*) AS activities FROM ev
       WHERE type IN {activity} GROUP BY ALL)
SELECT 'day' AS grain, strftime(d.day, '%Y-%m-%d') AS period, d.customers, d.activities,
  b.customers AS customers_before FROM days d LEFT JOIN days b ON b.day = d.day - 7
UNION ALL SELECT 'month', m.month, m.customers, m.activities, b.customers FROM months m
  LEFT JOIN months b ON b.month = strftime(strptime(m.month, '%Y-%m') - INTERVAL 1 MONTH, '%Y-%m')"""

RETENTION = """
WITH began AS (SELECT customer_id, min(month) AS cohort FROM ev WHERE type IN {activity} GROUP BY ALL),
     sizes AS (SELECT cohort, count(*) AS cohort_customers FROM began GROUP BY ALL),
     cells AS (SELECT cohort, unnest(range(date_diff('month', strptime(cohort, '%Y-%m')::DATE, {today}) + 1))
       AS months_since, cohort_customers FROM sizes),
     seen AS (SELECT DISTINCT customer_id, cohort, month FROM ev JOIN began USING (customer_id)
       WHERE type IN {activity})
SELECT cells.cohort, months_since, cohort_customers, count(customer_id) AS customers,
  count(customer_id) / cohort_customers AS share
FROM cells LEFT JOIN seen ON seen.cohort = cells.cohort
  AND month = strftime(strptime(cells.cohort, '%Y-%m') + to_months(months_since::INT), '%Y-%m') GROUP BY 1, 2, 3"""

CROSS_SELL = """
WITH moves AS (SELECT *, date_diff('day', day, {today}) > {period_days} AS early FROM ev
       WHERE product IS NOT NULL AND (type IN {opened} OR type IN {closed})),
     held AS (SELECT customer_id, product FROM moves GROUP BY ALL
       HAVING count(*) FILTER (type IN {opened}) > count(*) FILTER (type IN {closed})),
     held_before AS (SELECT customer_id, product FROM moves WHERE early GROUP BY ALL
       HAVING count(*) FILTER (type IN {opened}) > count(*) FILTER (type IN {closed})),
     pairs AS (SELECT a.product, b.product AS other, count(*) AS customers FROM held a JOIN held b USING (customer_id)
       GROUP BY ALL),
     pairs_before AS (SELECT a.product, b.product AS other, count(*) AS customers_before FROM held_before a
       JOIN held_before b USING (customer_id) GROUP BY ALL),
     whole_before AS (SELECT product, customers_before AS holders FROM pairs_before WHERE product = other),
     openings AS (SELECT *, lead(product) OVER w AS next_product, lead(occurred_at) OVER w AS next_at FROM ev
       WHERE type IN {opened} AND product IS NOT NULL WINDOW w AS (PARTITION BY customer_id ORDER BY place)),
     following AS (SELECT product, next_product AS other, count(DISTINCT customer_id) AS opened_next,
       avg((epoch_us(next_at) - epoch_us(occurred_at)) // 86400000000) AS days_to_next
       FROM openings WHERE next_product <> product GROUP BY ALL)
SELECT product, other, coalesce(customers, 0) AS customers, coalesce(opened_next, 0) AS opened_next, days_to_next,
  coalesce(customers_before, 0) / holders AS share_before
FROM pairs FULL JOIN following USING (product, other) FULL JOIN pairs_before USING (product, other)
  LEFT JOIN whole_before USING (product)"""

SWITCHES = """
WITH acts AS (SELECT *, lag(channel) OVER w AS previous, lag(occurred_at) OVER w AS previous_at FROM ev
       WHERE type IN {activity} AND channel IS NOT NULL WINDOW w AS (PARTITION BY customer_id ORDER BY place))
SELECT month, previous AS from_channel, channel AS to_channel, count(*) AS moves,
  count(DISTINCT customer_id) AS customers FROM acts
WHERE previous IS NOT NULL AND occurred_at - previous_at <= {switch} GROUP BY ALL"""

SWITCHES_BEFORE = f"""
WITH pairs AS ({SWITCHES}), shares AS (SELECT *, moves / sum(moves) OVER (PARTITION BY month, from_channel) AS share
       FROM pairs)
SELECT s.month, s.from_channel, s.to_channel, s.moves, s.customers, s.share, b.share AS share_before FROM shares s
  LEFT JOIN shares b ON b.from_channel = s.from_channel AND b.to_channel = s.to_channel
    AND b.month = strftime(strptime(s.month, '%Y-%m') - INTERVAL 1 MONTH, '%Y-%m')"""

REFERRAL = """
WITH told AS (SELECT month, coalesce(channel, 'none') AS channel, count(*) AS referrals,
       count(DISTINCT customer_id) AS customers FROM ev WHERE type IN {referral} GROUP BY ALL)
SELECT t.*, b.referrals AS referrals_before FROM told t LEFT JOIN told b ON b.channel = t.channel
  AND b.month = strftime(strptime(t.month, '%Y-%m') - INTERVAL 1 MONTH, '%Y-%m')"""


def funnel_query(oracle: Oracle, group: str) -> str:
    """Return the query of funnels by a group, which is SQL over journeys and segments."""
    return f"""{PASSAGES}
        SELECT product, month, {group} AS "group", {oracle.step("level")} AS step,
          count(DISTINCT customer_id) AS customers, count(*) AS journeys,
          sum((reached > level)::INT) AS went_on,
          sum((reached = level AND NOT converted AND NOT under_way)::INT) AS stopped,
          sum((reached = level AND under_way)::INT) AS under_way,
          avg((epoch_us(next_at) - epoch_us(moment)) // 3600000000) / 24 AS days_to_next
        FROM ended JOIN (SELECT *, lead(moment) OVER w AS next_at FROM levels
            WINDOW w AS (PARTITION BY customer_id, product, passage ORDER BY level)) AS l
            USING (customer_id, product, passage)
          LEFT JOIN segments USING (customer_id)
        GROUP BY ALL"""


def broken_query(oracle: Oracle) -> str:
    """Return the query of broken journeys."""
    return f"""{BROKEN}
        SELECT product, last_month AS month, {oracle.step("reached")} AS step, last_channel AS channel,
          following AS "then", count(*) AS journeys, count(DISTINCT customer_id) AS customers,
          avg((epoch_us(last_at) - epoch_us(first_at)) // 3600000000) / 24 AS days_tried,
          avg((epoch_us(next_at) - epoch_us(last_at)) // 3600000000) / 24 AS days_until
        FROM told GROUP BY ALL"""


GROUPS_OF_FUNNELS = {"all": "'all'", "channel": "channel", "segment": "coalesce(segment, 'none')"}

QUERIES = {
    "stage_sizes": STAGE_SIZES,
    "stage_flows": STAGE_FLOWS,
    "stage_months": STAGE_MONTHS,
    "time_in_stage": TIME_IN_STAGE,
    "before_leaving": BEFORE_LEAVING,
    "experience_map": EXPERIENCE,
    "moments_of_truth": MOMENTS,
    "active_customers": ACTIVE,
    "retention": RETENTION,
    "cross_sell": CROSS_SELL,
    "channel_switches": SWITCHES,
    "referral": REFERRAL,
}
"""By figure, without funnels and broken journeys, whose queries depend on the bank's steps."""
