"""What must hold of incidents."""

from .rules import Rule

INCIDENT_RULES = (
    Rule(
        "incident {}: it counts {} alerts in {} lines on {} hosts; its lines say {} in {}, and there are {}",
        """
        SELECT i.id, i.alerts, i.lines, i.hosts, said, held, there FROM incidents i JOIN (
            SELECT number,
                (SELECT ifnull(sum(count), 0) FROM incident_lines WHERE incident = number) AS said,
                (SELECT count(*) FROM incident_lines WHERE incident = number) AS held,
                (SELECT count(*) FROM incident_hosts WHERE incident = number) AS there
            FROM incidents) USING (number)
        WHERE (i.alerts, i.lines, i.hosts) <> (said, held, there) AND held > 0""",
    ),
    Rule(
        "alert {}: its incident ({}) is not known",
        """
        SELECT alert_id, incident FROM incident_alerts WHERE incident NOT IN (
            SELECT number FROM incidents)""",
    ),
    Rule(
        "incident {}: it is {}, which is nothing that an incident can be",
        "SELECT id, status FROM incidents WHERE status NOT IN ('open', 'acknowledged', 'resolved')",
    ),
)
