select m.id, m.serial_number, m.name, m.type, m.platform, m.hardware_model,
       os.name as os_name, os.version as os_version, os.build as os_build,
       bu.name as business_unit, s.name as source, t.tags,
       m.principal_name, m.principal_email, m.memory_bytes, m.battery_health, m.compliant,
       m.first_seen, m.last_seen
from inventory.machines m
join inventory.sources s on s.id = m.source_id
left join inventory.os_versions os on os.id = m.os_version_id
left join inventory.business_units bu on bu.id = m.business_unit_id
left join (
    select mt.machine_id, string_agg(tag.name, '|' order by tag.name, tag.id) as tags
    from inventory.machine_tags mt
    join inventory.tags tag on tag.id = mt.tag_id
    group by mt.machine_id
) t on t.machine_id = m.id
where (:platform::text is null or m.platform = :platform)
  and (:seen_since::date is null or m.last_seen >= :seen_since::date at time zone 'UTC')
