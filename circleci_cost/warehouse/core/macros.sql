-- Macros that several statements use; made for each connection.
-- CircleCI delivers a day between 08:00 and 10:00 UTC of the next day; an earlier export holds little of it.
CREATE OR REPLACE TEMPORARY MACRO holds_whole_day(day, exported_at) AS exported_at >= day + INTERVAL 34 HOUR;

-- The cost centers of the configuration, which may have no day yet; NULL where the connection does not know them.
CREATE OR REPLACE TEMPORARY MACRO configured_cost_centers() AS CAST(getvariable('cost_centers') AS VARCHAR[]);

-- Nothing waits for a cost center that is no longer configured: its history is over.
CREATE OR REPLACE TEMPORARY MACRO is_configured(name) AS
    coalesce(list_contains(configured_cost_centers(), name), true);

-- Who the actors are: the configuration's patterns, or the defaults where the connection does not know them.
CREATE OR REPLACE TEMPORARY MACRO actor_patterns() AS coalesce(getvariable('actors'), {schema.default_actors});

-- The one form of a name, as `text.plain.same_name` has it: normalizing many combining marks in a row takes the square
-- of their number. What is no ASCII takes more bytes than characters; to look at those names alone keeps it cheap. The
-- runs of marks are measured: to compile '\p{M}{31}' took each statement 12 ms for each name.
CREATE OR REPLACE TEMPORARY MACRO same_name(name) AS
    CASE
        WHEN strlen(name) - length(name) > 30
            AND list_max(list_transform(regexp_extract_all(name, '\p{M}+'), lambda marks: length(marks))) > 30
            THEN name
        ELSE nfc_normalize(name)
    END;

-- The kind of a pipeline's actor, the one place of the rule (`model.efficiency.actors.ACTOR_KINDS`): a schedule has no
-- person behind it whatever its branch, and a branch tells more than that the API was called. NULL without a source.
CREATE OR REPLACE TEMPORARY MACRO actor_kind(trigger_source, branch) AS
    CASE
        WHEN regexp_matches(lower(trigger_source), actor_patterns().schedule_sources) THEN 'schedule'
        WHEN regexp_matches(branch, actor_patterns().bot_branches) THEN 'bot'
        WHEN regexp_matches(branch, actor_patterns().agent_branches) THEN 'agent'
        WHEN regexp_matches(lower(trigger_source), actor_patterns().api_sources) THEN 'api'
        WHEN trigger_source IS NOT NULL THEN 'person'
    END;
