"""What must hold of that by which history is found: arrivals, words, roll-ups."""

from .rules import Rule

_COUNTED = """
    SELECT 'all' AS dimension, at / 3600000000 AS hour, '' AS value, severity, count(*) AS alerts
    FROM alerts GROUP BY 2, 4
    UNION ALL SELECT 'host', at / 3600000000, host, severity, count(*) FROM alerts GROUP BY 2, 3, 4
    UNION ALL SELECT 'detector', at / 3600000000, detector, severity, count(*) FROM alerts GROUP BY 2, 3, 4
    UNION ALL SELECT 'indicator', at / 3600000000, indicator, severity, count(*) FROM alerts
    WHERE indicator IS NOT NULL GROUP BY 2, 3, 4"""

HISTORY_RULES = (
    Rule(
        "stream {}: of {} observations a search finds {}",
        """
        SELECT principal || ' ' || spool || ' ' || kind, held, found FROM streams JOIN (
            SELECT stream_id, count(*) AS held FROM observations GROUP BY stream_id) h ON h.stream_id = id
        LEFT JOIN (
            SELECT a.stream_id, count(*) AS found FROM arrivals a
            CROSS JOIN observations o ON o.stream_id = a.stream_id AND o.number BETWEEN a.first AND a.last
                AND o.received_at = a.received_at
            GROUP BY a.stream_id) f ON f.stream_id = id
        WHERE held IS NOT found""",
    ),
    Rule(
        "arrival {}: it is not among those of its hour",
        """
        SELECT id FROM arrivals LEFT JOIN arrival_hours h ON hour = received_at / 3600000000
        WHERE (id BETWEEN h.first AND h.last) IS NOT TRUE""",
    ),
    Rule(
        "the words of {} arrivals are indexed that are not there, or not indexed yet",
        """
        SELECT count(*) AS others FROM arrival_words_docsize WHERE id > (SELECT indexed FROM archive)
            OR id NOT IN (SELECT id FROM arrivals) HAVING others""",
    ),
    Rule(
        "{} alerts, and the words of {}",
        """
        SELECT alerts, words FROM (SELECT count(*) AS alerts FROM alerts),
            (SELECT count(*) AS words FROM alert_words_docsize WHERE id IN (SELECT sequence FROM alerts)),
            (SELECT count(*) AS others FROM alert_words_docsize)
        WHERE alerts <> words OR words <> others""",
    ),
    Rule(
        "charts: {} alerts of {} {!r} in hour {} ({}): {}",
        f"""
        SELECT alerts, dimension, value, hour, severity, 'said, but not there'
        FROM (SELECT dimension, hour, value, severity, alerts FROM rollups
            EXCEPT SELECT * FROM ({_COUNTED}))
        UNION ALL SELECT alerts, dimension, value, hour, severity, 'there, but not said'
        FROM (SELECT * FROM ({_COUNTED})
            EXCEPT SELECT dimension, hour, value, severity, alerts FROM rollups)""",  # noqa: S608
    ),
)
