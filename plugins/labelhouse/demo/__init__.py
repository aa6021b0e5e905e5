"""The demo: a simulated AWS account that lives, and one command that starts it with Airflow beside it.

As a function of a seed and a start, `world` says what is labelled and `ground_truth` how AWS writes it down,
`training_runs` says what is trained (and what goes wrong in it) and `trail` what CloudTrail delivers of it;
`workforce` says what jobs, team and people look like meanwhile and `worker_log` what is logged of them.
`drifts` says what changes unannounced in the one and the other. `account` serves all of it at the present time: S3
by moto, the rest by `server` before it; `notices` is where its operators are told of alarms.
`python -m labelhouse.demo` starts everything. Nothing imports this package.

Beside the images that get a class there are jobs in which people draw, mark or review (`crafts`). What was put into
their labels can be found again by a query or on the page Annotations, in every fortnight:

* videos, ten clips, with their audit (`road_clips`): one worker takes every bus for a van, so the boxes of buses become
  more in the audit; it changes four clips and copies the boxes of six; the label attribute `audit` is bad exactly where
  it changed a box; one clip is blurred in every frame; exactly 14 frames are empty, in either job;
* boxes in images (`jobs`): sixty that the adjustment job left are verified, 21 of them as bad; one of the three
  reviewers says so of 15 of their 20, the others of 3 each;
* masks (`street_parts`): exactly a third of every image is road, and one of 36, a tunnel, has no sky;
* texts (`delivery_notes`): each of the 47 labelled notes names exactly one place, one note is never labelled, and one
  worker marks no quantities;
* point clouds (`yard`): all forklifts have one size, and turn by 45 degrees in 20 frames.

An endpoint, `vehicle-types-live`, serves the vehicles' model (`endpoints`), and CloudWatch measures it, a pipeline, a
feature store, the labelling jobs and the work team (`measurements`). Days of the world are counted from 0:

* on day 9 a second site joins: from then on there are two instances, the captured images are darker (mean brightness
  0.38 instead of 0.62), and 36 % of them show a truck instead of 11 %;
* on day 8, from its ninth to its fifteenth hour, the model takes three times as long, 2 % of the calls end in an error
  of the endpoint's, and the feature store throttles; on day 6 the hit ratio of loaded models falls from 0.93 to 0.55;
* its four cores are busy by up to 340 %, which is as CloudWatch adds them up;
* the pipeline fails in the sixth night, in its step `Train`;
* CloudWatch loses one in 25 of the work team's tasks, which is no fault of the log's.

A model labels a third of one job's images; objects that nobody can open fail in four jobs of classes and texts.

Of what is trained, `training_jobs` tells what SageMaker knows and `training_log` what the jobs log:

* from its 15th run on, the first of the second week, `vehicle-types` trains on two instances instead of one: its bill
  doubles, and nothing gets better by it (`training_runs`);
* `road-scenes-boxes` trains on spare capacity, and is billed for 30 to 40 % of its time;
* `lane-markings-segmenter` was trained once a week for 16 weeks, failed in each of the 5 weeks that followed, always
  for the same reason, and was not trained any more in the 20 weeks before the world begins (`training_jobs`);
* learning rate, batch size and optimizer change from run to run, and none of them makes a model better.
"""
