// What the scripts in doctype and report folders share, as `biometric_integration`. It is there on every page of Desk,
// so it stays small and asks the server nothing by itself.
import { ask, look, server_options } from "./api.js";
import { bridge_state, device_state } from "./device_states.js";
import { form_title } from "./form_title.js";
import { plain, short_time, show_columns } from "./list_columns.js";
import { exact_filters } from "./list_filters.js";
import { log_titles } from "./log_titles.js";
import { correct_mapping, ignore_id, map_id } from "./mapping.js";
import { next_attempt } from "./next_attempt.js";
import { period_action, period_html } from "./period_state.js";
import { poll } from "./poll.js";
import { may_set_up, may_sync, several_companies } from "./roles.js";
import { intro_color, status_color } from "./status_colors.js";
import { settle_workdays, WHAT_IT_DOES } from "./settle.js";
import { stream_words } from "./stream_words.js";
import { sync_period } from "./sync_period.js";
import { retry, sync_now } from "./sync_progress.js";
import { attendance_words, rebuild_workdays, time_of_day } from "./workdays.js";

frappe.provide("biometric_integration");
Object.assign(biometric_integration, {
	ask,
	attendance_words,
	bridge_state,
	correct_mapping,
	device_state,
	exact_filters,
	form_title,
	ignore_id,
	intro_color,
	log_titles,
	look,
	map_id,
	may_set_up,
	may_sync,
	next_attempt,
	period_action,
	period_html,
	plain,
	poll,
	rebuild_workdays,
	retry,
	server_options,
	settle_workdays,
	several_companies,
	short_time,
	show_columns,
	status_color,
	stream_words,
	sync_now,
	sync_period,
	time_of_day,
	WHAT_IT_DOES,
});
